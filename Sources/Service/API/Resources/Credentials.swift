import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/credentials`: keys, tokens, certificates, passwords and sessions, and whose they are.
extension Endpoint {
  static let credentials: [Endpoint] =
    [
      Endpoint(
        .get, "/v1/credentials", "listCredentials", "The credentials issued up to a moment, by id",
        .query(
          [
            Member("identity", Schemas.id, "Only those that act as this identity"),
            Member("holder", Schemas.id, "Only those that this identity obtained"),
            Member("grant", Schemas.id, "Only those obtained under this assignment"),
            Member("kind", Schemas.choice(CredentialKind.self), "Only those of this kind"),
            Member(
              "alive_at", Schemas.instant, "Only those that are alive at this moment, which is then the moment asked about"),
            .at, .asKnownAt,
          ] + Member.paging), CredentialPages.list),
      Endpoint(
        .get, "/v1/credentials/{id}", "getCredential", "One credential at a moment: whose it is, and what it has outlived",
        .query([.at, .asKnownAt]), CredentialPages.one),
    ]
    + [
      Write("credential.issue", "/v1/credentials", status: 201), Write("credential.revoke", "/v1/credentials/{id}/revoke"),
    ].map(\.endpoint)
}

/// Reads credentials and pages them.
private enum CredentialPages {
  @Sendable static func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    var filter = CredentialFilter(
      identity: try reader.optionalID("identity"), holder: try reader.optionalID("holder"),
      grant: try reader.optionalID("grant"),
      kind: try reader.optionalString("kind") == nil ? nil : try reader.choice("kind", of: CredentialKind.self))
    let aliveAt = try reader.optionalInstant("alive_at")
    filter.isAlive = aliveAt != nil
    if aliveAt != nil, input["at"] != nil { throw reader.error("at", "and alive_at exclude each other") }
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let (after, at) = (try view.after, view.cursor?.at ?? aliveAt ?? view.at)
    return .waiting { [filter] in
      let page = try call.questions.credentials(
        filter, at: at, asKnownAt: view.asKnownAt, after: after, limit: view.page.rows)
      return view.response(
        "credentials", page.credentials, at: page.view, position: page.position, next: page.next.map { .string($0) }
      ) {
        .string($0.standing.id)
      } _: {
        $1.writeMembers(to: &$0)
      }
    }
  }

  @Sendable static func one(_ call: Call) throws -> Outcome {
    try call.one("credential") { try $0.credential($1, at: $2, asKnownAt: $3).map { ($0, $0.position) } }
  }
}
