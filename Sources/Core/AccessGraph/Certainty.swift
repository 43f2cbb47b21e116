/// What is known of an access, as a set: by which certainty there are paths, free of overdue steps or not.
struct Certainty: OptionSet, Hashable {
  let rawValue: UInt8

  static let allowed = Certainty(rawValue: 1)
  static let conditional = Certainty(rawValue: 2)
  static let unknown = Certainty(rawValue: 4)
  private static let entitled = Certainty(rawValue: 7)

  /// The same paths with an overdue step on each.
  var overdue: Certainty { Certainty(rawValue: ((rawValue & 7) << 3) | (rawValue & 56)) }

  func overdue(if isOverdue: Bool) -> Certainty { isOverdue ? overdue : self }

  /// The same paths with a condition on each.
  var underCondition: Certainty {
    let allowed: UInt8 = 0b001_001
    return Certainty(rawValue: (rawValue & ~allowed) | ((rawValue & allowed) << 1))
  }

  /// Whether there are paths with a condition.
  var isConditional: Bool { rawValue & 0b010_010 != 0 }

  /// The paths without a condition.
  var free: Certainty { Certainty(rawValue: rawValue & ~0b010_010) }

  /// Whether its best is better than another's.
  func isBetter(than other: Certainty) -> Bool {
    func rank(_ certainty: Certainty) -> Int {
      let bits = (certainty.rawValue | certainty.rawValue >> 3) & 7
      return bits == 0 ? 3 : bits.trailingZeroBitCount
    }
    return rank(self) < rank(other)
  }

  /// The best certainty over all paths, and whether each path of that certainty has an overdue step.
  var verdict: (status: Status, isWithoutEntitlement: Bool) {
    for (bit, status) in [(UInt8(1), Status.allowed), (2, .conditional), (4, .unknown)] {
      if rawValue & bit != 0 { return (status, false) }
      if rawValue & (bit << 3) != 0 { return (status, true) }
    }
    return (.denied, false)
  }
}
