import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Credentials: how they are issued and revoked, where they stand, and what they outlive.
@Suite struct CredentialTests {
  private static func key(
    _ identity: String = "ada", holder: String? = nil, grant: String? = nil, parent: String? = nil, until hour: Int? = nil
  ) -> CredentialDocument {
    CredentialDocument(
      kind: .key, identity: identity, holder: holder, grant: grant, parent: parent, expiresAt: hour.map(Universe.instant))
  }

  private static func issue(_ document: CredentialDocument, _ id: String = "k1") -> Change {
    .credentialIssued(id: id, document, attributes: [:])
  }

  static let refused: [Verdict] = [
    Verdict("an empty id", Office.command(issue(key(), "")), .malformed, "/id", observed: nil),
    Verdict("its own parent", Office.command(issue(key(parent: "k1"))), .malformed, "/parent", observed: nil),
    Verdict("an end already past", Office.command(issue(key(until: 6))), .malformed, "/expires_at", observed: nil),
    Verdict(
      "an identity that nobody knows", Office.command(issue(key("eve"))), .unknownReference, "/identity",
      observed: ["identity.registered", "finding.raised", "credential.issued"]),
    Verdict(
      "a holder that nobody knows", Office.command(issue(key(holder: "eve"))), .unknownReference, "/holder",
      observed: ["identity.registered", "finding.raised", "credential.issued"]),
    Verdict(
      "a grant that never was", Office.command(issue(key(grant: "a9"))), .unknownReference, "/grant",
      observed: ["credential.issued"]),
    Verdict(
      "a parent that never was", Office.command(issue(key(parent: "k9"))), .unknownReference, "/parent",
      observed: ["credential.issued"]),
    Verdict(
      "the revocation of what was never issued", Office.command(.credentialRevoked(id: "k1")), .notFound, "/id",
      observed: ["credential.revoked"]),
  ]

  @Test(arguments: refused)
  func `what is wrong with a credential is refused, and what only is not known is recorded when observed`(_ verdict: Verdict) {
    let refusal = #expect(throws: Refusal.self) { try Office.decided(verdict.command, .governed) }
    #expect(refusal?.code == verdict.code)
    #expect(refusal?.pointer == verdict.pointer)
    let observed = try? Office.decided(verdict.command, .observation).map(\.change.type)
    #expect(observed == verdict.observed)
  }

  /// A log of changes at hours, each known from its position on.
  private struct Log {
    var events: [Event] = []

    mutating func add(_ hour: Int, _ change: Change) {
      let position = Int64(events.count) + 1
      events.append(
        Event(
          position: position, eventID: "e\(position)", effectiveAt: Universe.instant(hour), recordedAt: Universe.instant(12),
          source: "s1", basis: .observed, authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"),
          change: change))
    }

    var world: NaiveWorld { NaiveWorld(events, asKnownAt: Int64(events.count)) }

    func state(_ id: String, _ hour: Int) -> CredentialState? { world.credential(id, at: Universe.instant(hour))?.state }

    func outlived(_ id: String, _ hour: Int) -> [Outlived] {
      guard let standing = world.credential(id, at: Universe.instant(hour)) else { return [] }
      return world.outlived(by: standing, at: Universe.instant(hour))
    }
  }

  private static var office: Log {
    var log = Log()
    for id in ["ada", "bob", "deploy"] { log.add(0, .identityRegistered(id: id, kind: .person, attributes: [:])) }
    log.add(0, .roleDefined(id: "reader", document: RoleDocument(permissions: []), attributes: [:]))
    let grant = Grant(principal: .identity("bob"), role: "reader", scope: "identity/deploy")
    log.add(1, .assignmentGranted(id: "trust", grant: grant))
    return log
  }

  @Test func `it is alive from its issue until it is revoked or comes to its own end, whichever is first`() {
    var log = Self.office
    log.add(2, Self.issue(Self.key(until: 6), "expires"))
    log.add(2, Self.issue(Self.key(), "revoked"))
    log.add(4, .credentialRevoked(id: "revoked"))
    log.add(2, Self.issue(Self.key(until: 4), "both"))
    log.add(5, .credentialRevoked(id: "both"))
    #expect(log.state("expires", 1) == nil)
    #expect([2, 5, 6].map { log.state("expires", $0) } == [.alive, .alive, .expired])
    #expect([3, 4].map { log.state("revoked", $0) } == [.alive, .revoked])
    #expect([3, 4, 5].map { log.state("both", $0) } == [.alive, .expired, .expired])
    #expect(log.world.credential("both", at: Universe.instant(6))?.endedAt == Universe.instant(4))
  }

  @Test func `issued again it is revised while it is there, and back after it was revoked`() {
    var log = Self.office
    log.add(2, Self.issue(Self.key(until: 4)))
    log.add(5, Self.issue(Self.key(until: 8)))
    #expect([3, 4, 5, 8].map { log.state("k1", $0) } == [.alive, .expired, .alive, .expired])
    #expect(log.world.credential("k1", at: Universe.instant(6))?.issuedAt == Universe.instant(2))
    log.add(9, .credentialRevoked(id: "k1"))
    log.add(10, Self.issue(Self.key()))
    #expect(log.state("k1", 10) == .alive)
    #expect(log.world.credential("k1", at: Universe.instant(10))?.issuedAt == Universe.instant(10))
  }

  /// Thread 39 of the field notes: access is to end with its session, and sessions survive what they rest on.
  @Test func `thread 39: a session survives the revocation of the key that it was obtained with, and says so`() {
    var log = Self.office
    log.add(2, Self.issue(Self.key("bob"), "key"))
    let session = CredentialDocument(
      kind: .session, identity: "deploy", holder: "bob", grant: "trust", parent: "key", expiresAt: Universe.instant(9))
    log.add(3, .credentialIssued(id: "session", session, attributes: [:]))
    log.add(4, .credentialRevoked(id: "key"))
    #expect(log.outlived("session", 3) == [])
    #expect(log.state("session", 5) == .alive)
    #expect(log.outlived("session", 5) == [Outlived(.parent, id: "key", endedAt: Universe.instant(4))])
    #expect(log.outlived("session", 9) == [])
  }

  /// Thread 42 of the field notes: a token minted while the grant held outlives it; record derived credentials.
  @Test func `thread 42: a token outlives the grant that it was obtained under, until it is revoked`() {
    var log = Self.office
    log.add(2, Self.issue(Self.key("deploy", holder: "bob", grant: "trust"), "token"))
    log.add(3, .assignmentRevoked(id: "trust"))
    #expect(log.outlived("token", 2) == [])
    #expect(log.outlived("token", 3) == [Outlived(.grant, id: "trust", endedAt: Universe.instant(3))])
    #expect(log.world.aliveCredentials(of: .grant("trust"), at: Universe.instant(4)).map(\.id) == ["token"])
    // And what was obtained with it, though it is revoked itself.
    log.add(4, Self.issue(Self.key("deploy", holder: "bob", parent: "token"), "derived"))
    #expect(log.world.aliveCredentials(under: "trust", at: Universe.instant(6)).map(\.id) == ["derived", "token"])
    log.add(5, .credentialRevoked(id: "token"))
    #expect(log.outlived("token", 5) == [])
    #expect(log.world.aliveCredentials(of: .grant("trust"), at: Universe.instant(5)).isEmpty)
    #expect(log.world.aliveCredentials(under: "trust", at: Universe.instant(5)).map(\.id) == ["derived"])
    #expect(log.world.aliveCredentials(of: .grant("trust"), at: Universe.instant(4)).map(\.id) == ["token"])
  }

  @Test func `who is retired and comes back is another beginning, and the credential older than it`() {
    var log = Self.office
    log.add(2, Self.issue(Self.key("deploy", holder: "bob")))
    log.add(4, .identityRetired(id: "bob"))
    log.add(5, .identityRetired(id: "deploy"))
    log.add(6, .identityRegistered(id: "deploy", kind: .person, attributes: [:]))
    let ended = [
      Outlived(.identity, id: "deploy", endedAt: Universe.instant(5)),
      Outlived(.holder, id: "bob", endedAt: Universe.instant(4)),
    ]
    #expect(log.outlived("k1", 4) == [ended[1]])
    #expect(log.outlived("k1", 7) == ended)
    // Issued anew it belongs to who is there now.
    log.add(8, Self.issue(Self.key("deploy")))
    #expect(log.outlived("k1", 8) == [])
  }

  @Test func `issuing what stands so already is refused, and revoking what ran out is not`() throws {
    var log = Self.office
    log.add(2, Self.issue(Self.key(until: 4)))
    let context = DecisionContext(recordedAt: Universe.instant(6), source: "api", mode: .governed)
    func decided(_ change: Change) throws -> [String] {
      try decide(Command(change), in: context, world: log.world).map(\.change.type)
    }
    #expect(try decided(.credentialRevoked(id: "k1")) == ["credential.revoked"])
    #expect(try decided(Self.issue(Self.key(until: 9))) == ["credential.issued"])
    log.add(3, Self.issue(Self.key()))
    #expect(throws: Refusal(.noChange, "is issued already, with the same ends", at: "/id")) {
      try decided(Self.issue(Self.key()))
    }
    #expect(try decided(.credentialIssued(id: "k1", Self.key(), attributes: ["region": .open("eu")])) == ["credential.issued"])
  }
}
