import AccessGraph
import Cryptography
import EventLog
import Governance
import JSON
import Postgres
import TestSupport
import Testing

@Suite struct PersonalValueTests {
  let store: EventStore
  let tenant: Tenant
  static let personal: [String: AttributeValue] = [
    "email": .open("ada@example.org"), "name": .open("Ada"), "team": .open("ops"),
  ]

  init() throws {
    store = try ScratchDatabase.store()
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
  }

  private func erase() throws {
    let owner = try ScratchDatabase.connectAsSuperuser()
    try owner.run("DELETE FROM tenure.personal WHERE tenant_id = \(tenant.id)")
  }

  @Test func `a personal value lies beside the log, sealed by a salt in it`() throws {
    try tenant.submitAndWait(.governed(.register("ada", Self.personal)))
    let body = try tenant.events(at: [1])[0].body
    #expect(!body.contains("ada@example.org"))
    #expect(!body.contains("Ada"))
    #expect(body.contains(#""team":"ops""#))
    let key = PersonalKey(position: 1, name: "email")
    #expect(try tenant.personalValues(for: [key, PersonalKey(position: 1, name: "team")]) == [key: "ada@example.org"])
    let row = try ScratchDatabase.connect().query(
      "SELECT salt, value, digest FROM tenure.personal WHERE tenant_id = \(tenant.id) AND attribute = 'email'")[0]
    let digest = SHA256.digest(of: [try row.bytes(0), Array(try row.string(1).utf8)]).hexadecimal
    #expect(try row.bytes(0).count == 16)
    #expect(try row.string(2) == digest)
    #expect(body.contains(#""email":{"sha256":"\#(digest)"}"#))
    try tenant.submitAndWait(
      .governed(
        Command(.identityRegistered(id: "ada", kind: .person, attributes: ["email": .open(.null)]), expecting: .present)))
    #expect(try tenant.events(at: [2])[0].body.contains(#""email":null"#))
  }

  @Test func `a digest from a caller is refused`() throws {
    let refusal = try tenant.refusal(of: .governed(.register("ada", ["email": .sealed(String(repeating: "0", count: 64))])))
    #expect(refusal.code == .malformed)
    #expect(refusal.pointer == "/attributes/email")
  }

  @Test func `an identity is found by id and by attribute, as of t and k, until its values are erased`() throws {
    try tenant.submitAndWait(.governed(.register("ada", Self.personal), .register("bob", ["team": .open("ops")])))
    let (t, k) = (tenant.now, tenant.head.position)
    func found(_ text: String, _ attribute: String? = nil, asKnownAt k: Int64) throws -> [String] {
      try tenant.find(FindQuestion(text, attribute: attribute), at: t, asKnownAt: k).map { "\($0.identity) by \($0.matched)" }
    }
    #expect(try found("ada", asKnownAt: k) == ["ada by id"])
    #expect(try found("ops", asKnownAt: k) == ["ada by team", "bob by team"])
    #expect(try found("ada@example.org", asKnownAt: k) == ["ada by email"])
    #expect(try found("ada@example.org", "email", asKnownAt: k) == ["ada by email"])
    #expect(try found("ada@example.org", "team", asKnownAt: k) == [])
    #expect(try found("ada@example.org", asKnownAt: 0) == [])
    #expect(try tenant.find(FindQuestion("ops"), at: t, asKnownAt: k, limit: 1).count == 1)
    try erase()
    #expect(try found("ada@example.org", asKnownAt: k) == [])
    #expect(try tenant.verify().isClean)
  }

  @Test func `a key is told apart by personal values too, as long as they are there`() throws {
    let first = Submission.governed(.register("ada", Self.personal), key: "key")
    var other = Self.personal
    other["email"] = .open("eve@example.org")
    let second = Submission.governed(.register("ada", other), key: "key")
    try tenant.submitAndWait(first)
    #expect(try tenant.submitAndWait(first).isReplay)
    #expect(try tenant.refusal(of: second).code == .keyReused)
    let digests = try ScratchDatabase.connect().query(
      "SELECT digest FROM tenure.command WHERE tenant_id = \(tenant.id)"
    ).map { try $0.bytes(0) }
    #expect(digests.count == 1)
    try erase()
    #expect(try tenant.submitAndWait(first).isReplay)
  }
}
