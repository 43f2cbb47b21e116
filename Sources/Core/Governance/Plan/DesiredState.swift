public import Temporal

/// A fact's value and the end that it carries of its own.
public struct Holding: Hashable, Sendable {
  /// The value.
  public var value: FactValue
  /// The first instant at which it no longer holds; nil for no end.
  public var expiresAt: Instant?

  /// A value with its end; the default is no end.
  public init(_ value: FactValue, expiresAt: Instant? = nil) {
    self.value = value
    self.expiresAt = expiresAt
  }

  /// Whether it still holds at t.
  func lasts(at t: Instant) -> Bool { expiresAt.map { t < $0 } ?? true }
}

/// What a source says should hold: facts with their values, and assignments that have no id of their own.
///
/// Built from the same changes that events record, so whatever an event can say can be desired.
public struct DesiredState: Hashable, Sendable {
  /// What should hold, assignments with an id of their own included.
  public private(set) var facts: [Fact: Holding] = [:]
  /// Assignments by value; the plan finds or makes their ids.
  public private(set) var grants: [Grant] = []

  /// Nothing is desired.
  public init() {}

  /// Adds what a change begins: an entity with its attributes, a link, membership, assignment or coverage.
  ///
  /// - Returns: the first fact that was desired already, in which case nothing is added; nil where all were new.
  @discardableResult
  public mutating func insert(_ change: Change) -> Fact? {
    var begun: [(Fact, Holding)] = []
    for write in change.writes(effectiveAt: .earliest) {
      guard case .begins(let value, let expiresAt) = write.effect else { continue }
      if facts[write.fact] != nil { return write.fact }
      begun.append((write.fact, Holding(value, expiresAt: expiresAt)))
    }
    for (fact, holding) in begun { facts[fact] = holding }
    return nil
  }

  /// Adds an assignment without an id of its own; an equal one that is there already is a second assignment.
  public mutating func insert(_ grant: Grant) {
    grants.append(grant)
  }
}

/// What makes two assignments the same one but for their end: compared byte for byte.
struct GrantKey: Hashable {
  let principal: Entity
  let role: Entity
  let scope: Entity
  let condition: FactValue?

  init(_ grant: Grant) {
    principal = grant.principal
    role = .role(grant.role)
    scope = .resource(grant.scope)
    condition = grant.condition.map { .attribute(.open($0)) }
  }
}
