import Governance

/// Whether somebody gets by with nobody else having to act.
public enum Alone: String, Hashable, Comparable, CaseIterable, Sendable {
  /// Somebody else has to approve.
  case no
  /// It depends on the request, or on what is not known.
  case conditional
  /// A request approves itself, or glass is broken.
  case yes

  private var rank: Int {
    switch self {
    case .no: 0
    case .conditional: 1
    case .yes: 2
    }
  }

  /// The more alone, the greater.
  public static func < (a: Alone, b: Alone) -> Bool { a.rank < b.rank }
}

/// An elevation policy by which somebody could get what is asked about.
///
/// Of the several things that one may ask for under a policy, this is the one that needs nobody else, and of these the best.
public struct EligibleWay: Hashable, Sendable {
  /// The policy's id.
  public var policy: String
  /// Whether nobody else would have to act.
  public var alone: Alone
  /// What the access would be: allowed, conditional or unknown.
  public var status: Status
  /// Whether only somebody else could ask for it: the policy requires of who asks what they do not meet.
  public var isAskedByAnother: Bool

  /// A way.
  public init(policy: String, alone: Alone, status: Status, isAskedByAnother: Bool = false) {
    self.policy = policy
    self.alone = alone
    self.status = status
    self.isAskedByAnother = isAskedByAnother
  }

  func isBetter(than other: EligibleWay) -> Bool {
    let order: [Status] = [.unknown, .conditional, .allowed]
    if alone != other.alone { return alone > other.alone }
    if status == other.status { return !isAskedByAnother && other.isAskedByAnother }
    return (order.firstIndex(of: status) ?? 0) > (order.firstIndex(of: other.status) ?? 0)
  }
}

/// An identity that is not allowed what is asked about and could get it by a request.
public struct Eligible: Hashable, Sendable {
  /// The identity's id.
  public var identity: String
  /// By which policies, sorted; never none.
  public var ways: [EligibleWay]

  /// An eligible identity.
  public init(identity: String, ways: [EligibleWay]) {
    self.identity = identity
    self.ways = ways
  }

  /// Whether nobody else would have to act, by the best of the policies.
  public var alone: Alone { ways.map(\.alone).max() ?? .no }
}

/// Something that an identity could ask for.
public struct Obtainable: Hashable, Comparable, Sendable {
  /// What it is.
  public enum Access: Hashable, Sendable {
    /// A role on a scope, or on any below it.
    case role(String, scope: String)
    /// Membership in a group.
    case group(String)
  }

  /// The elevation policy under which it is asked for.
  public var policy: String
  /// Who would hold it and asks, unless only another may: the identity, or an account of it.
  public var requester: String
  /// What is asked for.
  public var access: Access
  /// Whether nobody else would have to act.
  public var alone: Alone
  /// Whether what the policy requires of a request depends on what is not known.
  public var isConditional: Bool
  /// The longest work window, in seconds; nil where only standing access may be asked for.
  public var longestSeconds: Int64?
  /// Whether access without an end may be asked for.
  public var allowsStanding: Bool
  /// Whether only somebody else could ask for it: the policy requires of who asks what they do not meet.
  public var isAskedByAnother: Bool

  /// Something obtainable.
  public init(
    policy: String, requester: String, access: Access, alone: Alone, isConditional: Bool, longestSeconds: Int64?,
    allowsStanding: Bool, isAskedByAnother: Bool = false
  ) {
    self.isAskedByAnother = isAskedByAnother
    self.policy = policy
    self.requester = requester
    self.access = access
    self.alone = alone
    self.isConditional = isConditional
    self.longestSeconds = longestSeconds
    self.allowsStanding = allowsStanding
  }

  /// Equal exactly if all bytes are.
  public static func == (a: Obtainable, b: Obtainable) -> Bool {
    a.isSame(as: b) && a.alone == b.alone && a.isConditional == b.isConditional && a.longestSeconds == b.longestSeconds
      && a.allowsStanding == b.allowsStanding && a.isAskedByAnother == b.isAskedByAnother
  }

  /// Whether it is the same access for the same requester under the same policy.
  private func isSame(as other: Obtainable) -> Bool {
    names.count == other.names.count && zip(names, other.names).allSatisfy { $0.isExactly($1) }
  }

  /// The order of answers: by policy, requester, role and scope, group; bytewise.
  public static func < (a: Obtainable, b: Obtainable) -> Bool {
    a.names.lexicographicallyPrecedes(b.names) { $0.precedes($1) }
  }

  private var names: [String] {
    switch access {
    case .role(let role, let scope): [policy, requester, "role", role, scope]
    case .group(let group): [policy, requester, "group", group]
    }
  }
}
