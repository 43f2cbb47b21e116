public import AccessGraph
import EventLog
import JSON
import Memory
import Temporal

/// All entitlements at a moment, taken slice by slice; the lock is held for one slice at a time.
///
/// Consistent all the same: the moment and the position are fixed, and an answer at a position never changes.
public struct Snapshot: Sendable {
  /// Entitlements after which a slice ends, with the identity that reaches them: about a tenth of a millisecond, for a command
  /// waits as long at each of its turns.
  static let sliceEntitlements = 32

  /// Scopes at, above or below it; nil for all.
  public let resource: String?
  /// The moment, resolved.
  public let view: Viewpoint
  /// The head it was begun at.
  public let position: Int64
  /// The coverage it rests on.
  public let coverage: Coverage

  private let tenant: Tenant
  private var last: String?
  private var isAtEnd = false
  private var writer = JSONWriter()
  private var hasBegun = false

  init(tenant: Tenant, resource: String?, view: Viewpoint, position: Int64, coverage: Coverage) {
    self.tenant = tenant
    self.resource = resource
    self.view = view
    self.position = position
    self.coverage = coverage
  }

  /// The next entitlements, whole identities in byte order; nil at the end.
  public mutating func next() throws -> [Entitlement]? {
    guard !isAtEnd else { return nil }
    Processor.giveWay()
    let (resource, view, last) = (resource, view, last)
    let slice = try tenant.read { graph in
      graph.snapshot(resource: resource, from: view, after: last, limit: Self.sliceEntitlements)
    }
    isAtEnd = slice.isEmpty
    self.last = slice.last?.identity ?? last
    return slice.isEmpty ? nil : slice
  }

  /// The next bytes of the snapshot as one JSON object; nil at the end.
  public mutating func nextSlice() throws -> [UInt8]? {
    if isAtEnd { return nil }
    if !hasBegun {
      hasBegun = true
      writer.beginObject()
      writer.member("question", "snapshot")
      writer.member("resource", resource)
      writer.write(view, position, coverage)
      writer.key("entitlements")
      writer.beginArray()
    }
    if let slice = try next() {
      for entitlement in slice { entitlement.write(to: &writer) }
    } else {
      writer.endArray()
      writer.endObject()
    }
    return writer.take()
  }
}
