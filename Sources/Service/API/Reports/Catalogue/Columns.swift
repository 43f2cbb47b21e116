import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Columns that several reports have.
extension AuditReport {
  /// By whose authority an event is there; as ``authority(_:)`` fills them.
  static let authorityColumns = [
    "event", "effective_at", "recorded_at", "actor", "recorded_by", "approved_by", "approved_at", "approval", "reason",
    "ticket",
  ]

  /// What an event says of its authority; what is not recorded stays empty.
  ///
  /// - Parameter position: where the event should be; a row names it also where the log has no such event, which the totals then show.
  static func authority(_ event: Event?, at position: Int64? = nil) -> [ReportCell] {
    guard let event else {
      return [position.map { .integer($0) } ?? .none] + Array(repeating: .none, count: authorityColumns.count - 1)
    }
    let authority = event.authority
    return [
      .integer(event.position), .instant(event.effectiveAt), .instant(event.recordedAt), .text(authority.actor?.id),
      .text(event.recordedBy.id), .text(authority.authorisedBy?.approver), .instant(authority.authorisedBy?.at),
      .text(authority.authorisedBy.map { $0.reference ?? ($0.verified ? "verified" : "asserted") }), .text(authority.reason),
      .text(authority.ticket.map { "\($0.system):\($0.key)" }),
    ]
  }
}

/// Parameters that several reports have.
extension AuditReport.Parameter {
  static func identity(required: Bool = false) -> Self {
    Self("identity", required: required, required ? "Whom it is about" : "Only this identity") {
      Limits.problem(identifier: $0)
    }
  }
  static func resource(required: Bool = false) -> Self {
    Self("resource", required: required, required ? "What is accessed" : "Only scopes at, above or below it") {
      Limits.problem(path: $0)
    }
  }
  static let action = Self("action", required: true, "What is done, such as repo.write") { Limits.problem(pattern: $0) }

  /// A whole number within bounds.
  static func number(_ name: String, in range: ClosedRange<Int64>, _ summary: String) -> Self {
    Self(name, summary) { text in
      Int64(text).map { range.contains($0) } ?? false ? nil : "must be \(range.lowerBound) to \(range.upperBound)"
    }
  }
}

extension World {
  /// The open attributes of an entity at t, by name; what is personal stands in no report, so that it can be erased.
  func openAttributes(of entity: Entity, at t: Instant) -> [String: JSONValue] {
    var found: [String: JSONValue] = [:]
    for fact in attributes(of: entity) {
      guard case .attribute(_, let name) = fact, case .attribute(.open(let value))? = self.value(of: fact, at: t)?.value
      else { continue }
      found[name] = value
    }
    return found
  }

  /// The kind of an identity at t; nil where it does not exist.
  func identityKind(_ id: String, at t: Instant) -> IdentityKind? {
    guard case .identity(let kind)? = value(of: .existence(.identity(id)), at: t)?.value else { return nil }
    return kind
  }

  /// The grants that an entity is the principal or member of, and that hold at t: assignments and memberships.
  func grants(of principal: Entity, at t: Instant) -> [(fact: Fact, span: Span)] {
    grants(of: principal).compactMap { fact in
      guard let span = value(of: fact, at: t) else { return nil }
      if case .grant(let grant) = span.value, grant.principal != principal { return nil }
      return (fact, span)
    }
  }
}

/// What reaches an identity, step by step; the graph's own questions answer whether it is allowed.
extension World {
  /// An assignment that reaches an identity, and the stretch that holds.
  typealias ReachingGrant = (fact: Fact, span: Span, grant: Grant)

  /// The assignments that reach an identity at t: its own, its accounts' and those of all groups that these are in.
  func grants(reaching identity: String, at t: Instant) -> [ReachingGrant] {
    var reached: Set<Entity> = []
    var open = [.identity(identity)] + accounts(of: .identity(identity), at: t)
    var found: [ReachingGrant] = []
    while let principal = open.popLast() {
      guard reached.insert(principal).inserted else { continue }
      for (fact, span) in grants(of: principal, at: t) {
        if case .grant(let grant) = span.value { found.append((fact, span, grant)) }
        if case .membership(let group, _) = fact { open.append(.group(group)) }
      }
    }
    return found
  }
}

extension Fact {
  /// A grant as reports name it: its kind and its id.
  var grantName: (kind: String, id: String) {
    switch self {
    case .assignment(let id): ("assignment", id)
    case .membership(let group, let member): ("membership", "\(member) in group:\(group)")
    default: preconditionFailure("only assignments and memberships are grants")
    }
  }
}

extension JSONValue {
  /// As a cell: texts and numbers as they are, lists of texts as lists, the rest as JSON.
  var cell: ReportCell {
    if let text = stringValue { return .text(text) }
    if let number = integerValue { return .integer(number) }
    if let texts = arrayValue?.map(\.stringValue), !texts.contains(nil) { return .list(texts.compactMap { $0 }) }
    return .document(self)
  }
}
