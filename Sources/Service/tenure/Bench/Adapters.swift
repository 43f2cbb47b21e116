import API
import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Relations
import Temporal

/// Where the bench touches parts that have no public name of their own: everything it assumes about them is in this file.
enum Adapters {
  /// How many identities a `who` finds, as a set of numbers without order and without names.
  static func whoNumbers(_ graph: AccessGraph, _ subject: WhoSubject, _ view: Viewpoint) -> Int {
    graph.whoNumbers(subject, from: view).count
  }

  /// Who, as names in order.
  static func whoNames(_ graph: AccessGraph, _ subject: WhoSubject, _ view: Viewpoint) -> [String] {
    graph.who(subject, from: view).map(\.identity)
  }

  /// One decision.
  static func check(
    _ graph: AccessGraph, _ identity: String, action: String, resource: String, _ view: Viewpoint
  ) -> Status {
    graph.check(identity, action: action, resource: resource, from: view).status
  }

  /// Where a decision is asked for over HTTP.
  static let checkPath = "/v1/access/check"

  /// The body of the request for a decision, as of now.
  static func checkBody(_ identity: String, action: String, resource: String) -> String {
    let body: JSONValue = ["identity": .string(identity), "action": .string(action), "resource": .string(resource)]
    return body.canonicalText
  }

  /// The whole log of a tenant, read and folded into a new graph; answers the graph.
  static func fold(tenant: Int32, through last: Int64, on connection: Connection) throws -> AccessGraph {
    try LogFold.graph(of: tenant, through: last, on: connection)
  }

  /// The rebuild of a tenant's relation tables.
  static func rebuild(tenant: Int32, conninfo: String) throws -> RebuildReport {
    let rebuild = Rebuild(tenant: tenant) { body, position in try EventCodec.decode(Array(body.utf8), at: position) }
    return try rebuild.run(on: try Connection(conninfo)) { _, _ in }
  }

  /// The log in the order of its positions, as whoever folds it reads it.
  static func logQuery(tenant: Int32, through last: Int64) -> String {
    """
    COPY (SELECT position, body FROM tenure.event
      WHERE tenant_id = \(tenant) AND position <= \(last) ORDER BY position) TO STDOUT (FORMAT binary)
    """
  }
}
