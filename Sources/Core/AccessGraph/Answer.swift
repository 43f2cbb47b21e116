public import Governance
public import JSON
public import Temporal

/// How certain an access is.
///
/// Order of precedence: allowed, conditional, unknown, denied.
public enum Status: String, Hashable, Sendable {
  /// A path whose conditions are all absent.
  case allowed
  /// Only paths with a condition on them; the condition stands beside them.
  case conditional
  /// Only paths through a role whose document is not known, or a resource outside all coverage.
  case unknown
  /// No path, or the identity is not active.
  case denied
}

/// Whom a `who` question is about.
public enum WhoSubject: Hashable, Sendable {
  /// May do the action on exactly this resource: scopes at or above it.
  case access(action: String, resource: String)
  /// Holds the role, directly, through a group or through a role that includes it, on any scope.
  case role(String)
  /// Belongs to the group, directly or through nested groups.
  case group(String)
  /// Holds a permission that a `privileged` policy of that moment names, on any scope.
  case privileged
}

/// One identity of a `who` answer at a moment.
public struct Holder: Hashable, Sendable {
  /// The identity's id.
  public var identity: String
  /// Allowed, conditional or unknown; never denied.
  public var status: Status
  /// Every path of that status rests on something whose end was due already.
  public var isWithoutEntitlement: Bool
  /// It is of kind external: a built-in principal, or somebody of another organisation.
  public var isExternal: Bool

  /// A holder; the default is one of one's own.
  public init(identity: String, status: Status, isWithoutEntitlement: Bool, isExternal: Bool = false) {
    self.identity = identity
    self.status = status
    self.isWithoutEntitlement = isWithoutEntitlement
    self.isExternal = isExternal
  }
}

/// One identity of a `who` answer over a stretch: everyone who had it at any time in it.
public struct StretchHolder: Hashable, Sendable {
  /// The identity's id.
  public var identity: String
  /// When it was allowed, clipped to the stretch.
  public var allowed: IntervalSet
  /// When it was conditional, and not allowed.
  public var conditional: IntervalSet
  /// When it was unknown, and neither allowed nor conditional.
  public var unknown: IntervalSet
  /// Whether it was external at some time while it had it.
  public var isExternal: Bool

  /// A holder over a stretch.
  public init(
    identity: String, allowed: IntervalSet, conditional: IntervalSet, unknown: IntervalSet, isExternal: Bool = false
  ) {
    self.identity = identity
    self.allowed = allowed
    self.conditional = conditional
    self.unknown = unknown
    self.isExternal = isExternal
  }
}

/// A permission on a scope, apart from who has it: one action pattern × one resource pattern × scope × conditions.
public struct Right: Hashable, Comparable, Sendable {
  /// Whether it is given or taken away.
  public var effect: PermissionEffect
  /// The pattern of actions; nil stands for a role whose document is not known, named by `role`.
  public var action: String?
  /// The role whose document is not known; nil otherwise.
  public var unknownRole: String?
  /// The pattern of resources within the scope.
  public var resource: String
  /// The assignment's scope.
  public var scope: String
  /// Conditions that all must hold: the assignment's and the permission's; sorted by canonical text, without repetition.
  public var conditions: [JSONValue]

  /// A right.
  public init(
    effect: PermissionEffect = .allow, action: String?, unknownRole: String? = nil, resource: String, scope: String,
    conditions: [JSONValue]
  ) {
    self.effect = effect
    self.action = action
    self.unknownRole = unknownRole
    self.resource = resource
    self.scope = scope
    self.conditions = conditions
  }

  /// Equal exactly if all bytes are.
  public static func == (a: Right, b: Right) -> Bool {
    exactly(a.action, b.action) && exactly(a.unknownRole, b.unknownRole) && a.resource.isExactly(b.resource)
      && a.scope.isExactly(b.scope) && a.conditions == b.conditions && a.effect == b.effect
  }

  private static func exactly(_ a: String?, _ b: String?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): a.isExactly(b)
    default: false
    }
  }

  /// The order of answers: by action, unknown role, resource, scope, conditions; bytewise, what is given before what is denied.
  public static func < (a: Right, b: Right) -> Bool {
    for (x, y) in [
      (a.action ?? "", b.action ?? ""), (a.unknownRole ?? "", b.unknownRole ?? ""), (a.resource, b.resource),
      (a.scope, b.scope),
    ] where !x.isExactly(y) {
      return x.precedes(y)
    }
    let (mine, theirs) = (a.conditions.map(\.canonicalText), b.conditions.map(\.canonicalText))
    if a.conditions != b.conditions { return mine.lexicographicallyPrecedes(theirs) { $0.precedes($1) } }
    return a.effect == .allow && b.effect == .deny
  }

  /// What the right says on its own.
  public var status: Status {
    if effect == .deny { return .denied }
    return action == nil ? .unknown : conditions.isEmpty ? .allowed : .conditional
  }
}

/// An entitlement: an identity, a right and what is left of it.
public struct Entitlement: Hashable, Sendable {
  /// The identity's id.
  public var identity: String
  /// What it may do where.
  public var right: Right
  /// What is left of it.
  public var remainder: Remainder

  /// An entitlement.
  public init(identity: String, right: Right, remainder: Remainder) {
    self.identity = identity
    self.right = right
    self.remainder = remainder
  }

  /// Equal exactly if all bytes are.
  public static func == (a: Entitlement, b: Entitlement) -> Bool {
    a.identity.isExactly(b.identity) && a.right == b.right && a.remainder == b.remainder
  }
}

/// One right of a `what` answer at a moment.
public struct HeldRight: Hashable, Sendable {
  /// The right, as it was granted.
  public var right: Right
  /// What is left of it.
  public var remainder: Remainder
  /// Every path to it rests on something whose end was due already; never of a right that is denied.
  public var isWithoutEntitlement: Bool

  /// A held right.
  public init(right: Right, remainder: Remainder, isWithoutEntitlement: Bool) {
    self.right = right
    self.remainder = remainder
    self.isWithoutEntitlement = isWithoutEntitlement
  }

  /// The same right held by another bearer too: the better one counts, and both where they are equally good.
  func merged(with other: HeldRight) -> HeldRight {
    var merged = self
    merged.remainder.merge(other.remainder, of: right)
    let best = [self, other].filter { $0.remainder.status == merged.remainder.status }
    merged.isWithoutEntitlement = best.allSatisfy(\.isWithoutEntitlement)
    return merged
  }
}

/// One right of a `what` answer over a stretch.
public struct StretchRight: Hashable, Sendable {
  /// The right, as it was granted.
  public var right: Right
  /// When some of it was left, clipped to the stretch; of what denies, when it did or may have.
  public var held: IntervalSet
  /// When it was held on a condition that is open, or something whose condition is open may have taken some of it away; empty
  /// for what denies, and for a role whose document is not known.
  public var conditional: IntervalSet
  /// When all of it was denied.
  public var denied: IntervalSet

  /// A right over a stretch.
  public init(right: Right, held: IntervalSet, conditional: IntervalSet, denied: IntervalSet) {
    self.right = right
    self.held = held
    self.conditional = conditional
    self.denied = denied
  }

  /// The best that was left of it at any time.
  public var status: Status {
    if right.effect == .deny || held.isEmpty { return .denied }
    if right.action == nil { return .unknown }
    return held == conditional ? .conditional : .allowed
  }
}

/// One step of a path, naming the event that it rests on.
public struct Step: Hashable, Sendable {
  /// What the step is.
  public enum Kind: Hashable, Sendable {
    /// The identity itself; the event registered it.
    case identity(String)
    /// The person's access includes that of this account.
    case account(String)
    /// Is one of those whom this built-in principal stands for.
    case builtIn(String)
    /// Belongs to this group.
    case group(String)
    /// Holds this assignment: role on scope.
    case assignment(id: String, role: String, scope: String)
    /// The role includes this role.
    case role(String)
    /// The role's permission, by its index; the event defined the role.
    case permission(role: String, index: Int)
  }
  /// What the step is.
  public var kind: Kind
  /// Position of the event that it rests on.
  public var position: Int64
  /// When that event took effect.
  public var effectiveAt: Instant
  /// The step's own end, where it has one ahead.
  public var expiresAt: Instant?
  /// When its end was due, where that is past while it still holds: access without entitlement.
  public var dueAt: Instant?

  /// A step.
  public init(kind: Kind, position: Int64, effectiveAt: Instant, expiresAt: Instant? = nil, dueAt: Instant? = nil) {
    self.kind = kind
    self.position = position
    self.effectiveAt = effectiveAt
    self.expiresAt = expiresAt
    self.dueAt = dueAt
  }
}

/// One way by which an identity comes to a permission: identity → … → group → assignment → role → … → permission.
public struct Path: Hashable, Sendable {
  /// The steps in order.
  public var steps: [Step]
  /// The conditions on it.
  public var conditions: [JSONValue]
  /// Allowed, conditional or unknown.
  public var status: Status

  /// A path.
  public init(steps: [Step], conditions: [JSONValue], status: Status) {
    self.steps = steps
    self.conditions = conditions
    self.status = status
  }
}

/// The answer to `why`.
public struct WhyAnswer: Hashable, Sendable {
  /// The decision, by DESIGN's rules of access.
  public var status: Status
  /// Why it is denied or unknown: `identity_unknown`, `identity_retired`, `identity_suspended`, `not_covered`, `role_unknown`,
  /// `explicitly_denied`, `outside_boundary`, `no_path`; nil otherwise.
  public var reason: String?
  /// Every path, the shortest first, up to the limit.
  public var paths: [Path]
  /// Whether there are more paths than the limit.
  public var isTruncated: Bool
  /// What decided, as in `check`.
  public var decidedBy: Decider?

  /// An answer.
  public init(status: Status, reason: String?, paths: [Path], isTruncated: Bool, decidedBy: Decider? = nil) {
    self.decidedBy = decidedBy
    self.status = status
    self.reason = reason
    self.paths = paths
    self.isTruncated = isTruncated
  }
}

/// One gain, loss or change of a timeline.
public struct Turn: Hashable, Sendable {
  /// What made a turn.
  public struct Cause: Hashable, Sendable {
    /// The event; for an expiry the one that set the end.
    public var position: Int64
    /// Whether the end came by itself.
    public var isExpiry: Bool
    /// Of a loss: when it was due, if earlier than it took effect.
    public var dueAt: Instant?

    /// A cause.
    public init(position: Int64, isExpiry: Bool, dueAt: Instant? = nil) {
      self.position = position
      self.isExpiry = isExpiry
      self.dueAt = dueAt
    }
  }
  /// What turned.
  public enum Kind: String, Hashable, Sendable, CaseIterable, Comparable {
    /// It was had and is not: taken away, or all of it denied.
    case lost
    /// It was had and is, by another status.
    case changed
    /// It was not had and is.
    case gained

    /// In the order of a timeline.
    public static func < (a: Kind, b: Kind) -> Bool { a.rank < b.rank }

    private var rank: Int {
      switch self {
      case .lost: 0
      case .changed: 1
      case .gained: 2
      }
    }
  }
  /// When.
  public var at: Instant
  /// The right.
  public var right: Right
  /// What was left of it before; nil where it was not had.
  public var before: Status?
  /// What is left of it from then on; nil where it is not had.
  public var now: Status?
  /// The events that caused it, by position; more than one where several paths began or ended at that instant.
  public var causes: [Cause]
  /// Whether all paths were looked at for the causes; false where there are too many.
  public var areCausesComplete: Bool

  /// A turn.
  public init(
    at: Instant, right: Right, before: Status?, now: Status?, causes: [Cause], areCausesComplete: Bool = true
  ) {
    self.at = at
    self.right = right
    self.before = before
    self.now = now
    self.causes = causes
    self.areCausesComplete = areCausesComplete
  }

  /// Gained, lost or changed.
  public var kind: Kind { before == nil ? .gained : now == nil ? .lost : .changed }
}

/// The answer to `diff`.
public struct Difference: Hashable, Sendable {
  /// Entitlements of the second moment that the first has not, sorted by identity and right; what is denied is not had.
  public var gained: [Entitlement]
  /// Entitlements of the first moment that the second has not, as they were.
  public var lost: [Entitlement]
  /// Entitlements of both of which another remainder is left.
  public var changed: [ChangedEntitlement]

  /// Whether there is none.
  public var isEmpty: Bool { gained.isEmpty && lost.isEmpty && changed.isEmpty }

  /// A difference.
  public init(gained: [Entitlement], lost: [Entitlement], changed: [ChangedEntitlement]) {
    self.gained = gained
    self.lost = lost
    self.changed = changed
  }
}

/// An entitlement at two moments, of which another remainder is left.
public struct ChangedEntitlement: Hashable, Sendable {
  /// As it was at the first moment.
  public var before: Remainder
  /// As it is at the second.
  public var now: Entitlement

  /// A change.
  public init(before: Remainder, now: Entitlement) {
    self.before = before
    self.now = now
  }
}

/// A moment in the world as known at a position: the (t, k) of every answer.
public struct Viewpoint: Hashable, Sendable {
  /// The moment in the world.
  public var at: Instant
  /// The last position that is known.
  public var asKnownAt: Int64

  /// A viewpoint.
  public init(at: Instant, asKnownAt: Int64) {
    self.at = at
    self.asKnownAt = asKnownAt
  }
}
