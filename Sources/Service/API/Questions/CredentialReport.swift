public import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal

/// Which credentials are asked for.
public struct CredentialFilter: Hashable, Sendable {
  /// Those that act as an identity; nil for any.
  public var identity: String?
  /// Those that an identity obtained; nil for any.
  public var holder: String?
  /// Those obtained under an assignment; nil for any.
  public var grant: String?
  /// Those of one kind; nil for any.
  public var kind: CredentialKind?
  /// Only those that are alive at the moment.
  public var isAlive: Bool

  /// A filter; the default lets all through.
  public init(
    identity: String? = nil, holder: String? = nil, grant: String? = nil, kind: CredentialKind? = nil, isAlive: Bool = false
  ) {
    self.identity = identity
    self.holder = holder
    self.grant = grant
    self.kind = kind
    self.isAlive = isAlive
  }

  /// The end that fewest name: what is looked at then.
  fileprivate var end: CredentialEnd? {
    grant.map { .grant($0) } ?? holder.map { .holder($0) } ?? identity.map { .identity($0) }
  }

  fileprivate func admits(_ standing: CredentialStanding) -> Bool {
    let ends = [
      identity.map { CredentialEnd.identity($0) }, holder.map { CredentialEnd.holder($0) },
      grant.map { CredentialEnd.grant($0) },
    ].compactMap { $0 }
    return (!isAlive || standing.state == .alive) && (kind.map { $0 == standing.document.kind } ?? true)
      && ends.allSatisfy { $0.isNamed(by: standing.document) }
  }
}

/// A credential as it is shown.
public struct ShownCredential: Hashable, Sendable {
  /// Where it stands.
  public var standing: CredentialStanding
  /// What it has outlived.
  public var outlived: [Outlived]
  /// Who owns the identity that it acts as; nil where nobody is said to.
  public var owner: String?

  fileprivate init(_ standing: CredentialStanding, in world: some World, at t: Instant) {
    self.standing = standing
    outlived = world.outlived(by: standing, at: t)
    owner = world.owner(of: .identity(standing.document.identity), at: t)
  }

  /// Writes its members.
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("id", standing.id)
    writer.member("kind", standing.document.kind.rawValue)
    writer.member("state", standing.state.rawValue)
    writer.member("identity", standing.document.identity)
    writer.member("owner", owner)
    writer.member("holder", standing.document.holder)
    writer.member("grant", standing.document.grant)
    writer.member("parent", standing.document.parent)
    writer.member("issued_at", standing.issuedAt)
    writer.member("expires_at", standing.document.expiresAt)
    writer.member("ended_at", standing.endedAt)
    writer.member("event", standing.written.position)
    writer.member("revoked_by_event", standing.revokedBy)
    writer.list("outlives", outlived) { writer, outlived in
      writer.member("what", outlived.what.rawValue)
      writer.member("id", outlived.id)
      writer.member("ended_at", outlived.endedAt)
    }
  }
}

/// One credential at a moment: whose it is.
public struct CredentialReport: Report {
  /// The credential.
  public var shown: ShownCredential
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    shown.writeMembers(to: &writer)
    writer.endObject()
  }
}

/// A page of credentials.
public struct CredentialListReport: Report {
  /// The credentials, by id.
  public var credentials: [ShownCredential]
  /// The id that the next page begins after; nil where there is none.
  public var next: String?
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    writer.list("credentials", credentials) { $1.writeMembers(to: &$0) }
    writer.member("is_whole", next == nil)
    writer.endObject()
  }
}

extension Questions {
  /// Credentials that are looked at for one page, so that one in which few are admitted has a bound too.
  public static let credentialsPerPage = 20_000

  /// A credential at a moment; nil where none was issued up to then.
  public func credential(_ id: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> CredentialReport? {
    try ask(at, asKnownAt) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      guard let standing = world.credential(id, at: view.at) else { return nil }
      let shown = ShownCredential(standing, in: world, at: view.at)
      return CredentialReport(shown: shown, view: view, position: graph.position)
    }
  }

  /// Credentials issued up to a moment, by id.
  ///
  /// O(credentials looked at): those of the grant, the holder or the identity, where one is asked about, and otherwise all; at
  /// most ``credentialsPerPage``, so that a page may be empty and there still be a next.
  ///
  /// - Parameters:
  ///   - id: the id to begin after. The default is the beginning.
  ///   - limit: how many at the most.
  public func credentials(
    _ filter: CredentialFilter = CredentialFilter(), at: Instant? = nil, asKnownAt: AsKnownAt = .head, after id: String? = nil,
    limit: Int
  ) throws -> CredentialListReport {
    try ask(at, asKnownAt) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let ids = filter.end.map { world.credentials(of: $0) } ?? graph.ids(of: .credential)
      var report = CredentialListReport(credentials: [], next: nil, view: view, position: graph.position)
      var last = id
      let candidates = ids[ids.firstIndex(after: id)...]
      for id in candidates.prefix(Self.credentialsPerPage) {
        if let standing = world.credential(id, at: view.at), filter.admits(standing) {
          if report.credentials.count == limit {
            report.next = last
            return report
          }
          report.credentials.append(ShownCredential(standing, in: world, at: view.at))
        }
        last = id
      }
      if candidates.count > Self.credentialsPerPage { report.next = last }
      return report
    }
  }
}
