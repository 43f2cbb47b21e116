public import AccessGraph
import Postgres

extension Tenant {
  /// A graph of the caller's own at the head, to try on it what has not been done.
  ///
  /// Loaded anew from the relation rows, and as large as the tenant's: keep it only while it is used.
  public func ownGraph() throws -> AccessGraph { try pool.withConnection { try replica.loadedGraph(on: $0).0 } }
}
