/// An event that this program cannot read: its tenant stops there and answers *degraded*, for a skipped event could be a revoke.
public struct UndecodableEvent: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where it stands in the log.
  public var position: Int64
  /// The event type that the body names, where it names one.
  public var type: String?
  /// The version that the body names, where it names one.
  public var version: Int64?
  /// What is wrong, without the values.
  public var problem: String

  /// Describes an event that cannot be read.
  public init(position: Int64, type: String? = nil, version: Int64? = nil, problem: String) {
    self.position = position
    self.type = type
    self.version = version
    self.problem = problem
  }

  /// The place and the problem in one line.
  public var description: String {
    "event \(position)\(type.map { " of type \($0)" } ?? "")\(version.map { ", version \($0)," } ?? "") cannot be read: \(problem)"
  }
}

/// Why the log did not do what was asked of it; a refused command is a `Refusal` instead.
public enum EventLogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A tenant's name must be 1 to 63 of a–z, 0–9, `-`, `_` and `.`.
  case badTenantName
  /// There is a tenant of that name.
  case tenantExists(String)
  /// The tenant stopped at an event that cannot be read; nothing is answered until the program knows it.
  case degraded(UndecodableEvent)
  /// A position above the head was asked for.
  case futurePosition(asked: Int64, head: Int64)
  /// The tenant's head row is gone or unreadable.
  case headMissing(tenant: String)
  /// The log has a gap where the next event should stand.
  case gap(expected: Int64, found: Int64)
  /// The store has been closed.
  case closed

  /// One line for a log or an answer.
  public var description: String {
    switch self {
    case .badTenantName: "a tenant's name must be 1 to 63 characters of a–z, 0–9, -, _ and ."
    case .tenantExists(let name): "there is a tenant \(name) already"
    case .degraded(let event): "the tenant is degraded: \(event)"
    case .futurePosition(let asked, let head): "position \(asked) lies above the head, which is \(head)"
    case .headMissing(let tenant): "the tenant \(tenant) has no head row; restore it from a backup"
    case .gap(let expected, let found): "the log has no event \(expected) before event \(found); restore it from a backup"
    case .closed: "the store is closed"
    }
  }
}
