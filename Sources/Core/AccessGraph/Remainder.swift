import Governance
public import JSON

/// What is left of a right under conditions, denies and boundaries at a moment.
public struct Remainder: Hashable, Sendable {
  /// Denied where all of it is taken away; conditional where a condition on it is open, or that of something that may take away
  /// some of it; unknown where its role's document is not; otherwise allowed, but for what ``restrictedBy`` takes.
  public private(set) var status: Status
  /// Its conditions without what is settled; as they are written where several accounts hold it on different rests of them.
  public private(set) var openConditions: [JSONValue]
  /// What takes all of it away where it is denied; otherwise what takes away some of it, or may; sorted, without repetition.
  ///
  /// Never too short. It may name what takes nothing, for patterns are compared and not the resources that there are.
  public private(set) var restrictedBy: [Denial]

  /// A right on which nothing was judged, or all conditions but some.
  public init(_ right: Right, openConditions: [JSONValue]? = nil) {
    self.openConditions = openConditions ?? right.conditions
    restrictedBy = []
    status = right.status == .conditional && self.openConditions.isEmpty ? .allowed : right.status
  }

  /// A remainder as it was written down.
  public init(status: Status, openConditions: [JSONValue], restrictedBy: [Denial]) {
    self.status = status
    self.openConditions = openConditions
    self.restrictedBy = restrictedBy
  }

  mutating func restrict(takingAll: [Denial], takingSome: [Denial], isOpen: Bool) {
    if takingAll.isEmpty {
      restrictedBy = Denial.sorted(takingSome)
      if isOpen, status == .allowed { status = .conditional }
    } else {
      restrictedBy = Denial.sorted(takingAll)
      status = .denied
    }
  }

  /// The best of the same right as two bearers hold it.
  mutating func merge(_ other: Remainder, of right: Right) {
    let (mine, theirs) = (status.rank, other.status.rank)
    if theirs < mine { self = other }
    guard theirs == mine else { return }
    if openConditions != other.openConditions { openConditions = right.conditions }
    // What nothing takes away from the one stays, whatever takes it from the other.
    let isFree = restrictedBy.isEmpty || other.restrictedBy.isEmpty
    restrictedBy = isFree ? [] : Denial.sorted(restrictedBy + other.restrictedBy)
  }
}

extension Status {
  /// The best first.
  fileprivate var rank: Int {
    switch self {
    case .allowed: 0
    case .conditional: 1
    case .unknown: 2
    case .denied: 3
    }
  }
}

extension Denial {
  /// By kind and id, without repetition.
  fileprivate static func sorted(_ denials: [Denial]) -> [Denial] {
    // Those of policies come in order.
    if zip(denials, denials.dropFirst()).allSatisfy({ precedes($0, $1) }) { return denials }
    var sorted: [Denial] = []
    for denial in denials.sorted(by: precedes) where sorted.last.map({ precedes($0, denial) }) ?? true { sorted.append(denial) }
    return sorted
  }

  /// By kind, as ``text`` has it, then by the bytes of the id.
  static func precedes(_ a: Denial, _ b: Denial) -> Bool {
    let (mine, theirs) = (a.place, b.place)
    return mine.kind == theirs.kind ? mine.id.precedes(theirs.id) : mine.kind < theirs.kind
  }

  private var place: (kind: Int, id: String) {
    switch self {
    case .boundary(let id): (0, id)
    case .policy(let id): (1, id)
    case .assignment(let id): (2, id)
    }
  }

  /// `deny`, `boundary` or `deny_permission`, and the id of the policy or the assignment.
  public var text: String {
    switch self {
    case .policy(let id): "deny \(id)"
    case .boundary(let id): "boundary \(id)"
    case .assignment(let id): "deny_permission \(id)"
    }
  }
}
