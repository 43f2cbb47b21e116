/// A set of instants, held as the fewest possible intervals in order: they neither overlap nor touch.
///
/// Equal sets hold equal intervals. Performance characteristics: the binary operations are O(n + m), `contains` is O(log n).
public struct IntervalSet: Hashable, Sendable, CustomStringConvertible {
  /// The intervals in order of time; between any two lies at least one instant.
  public private(set) var intervals: [Interval]

  /// Makes the empty set.
  public init() {
    intervals = []
  }

  /// Makes the set of the instants inside one interval.
  public init(_ interval: Interval) {
    intervals = [interval]
  }

  /// Makes the set of the instants inside any of the intervals, which may be in any order and overlap.
  ///
  /// - Complexity: O(n log n).
  public init(_ unordered: some Sequence<Interval>) {
    self.init(ordered: unordered.sorted { $0.from < $1.from })
  }

  /// Joins intervals that are ordered by their beginning but may overlap or touch.
  private init(ordered: [Interval]) {
    intervals = []
    intervals.reserveCapacity(ordered.count)
    for interval in ordered {
      guard let last = intervals.last, last.to.map({ interval.from <= $0 }) ?? true else {
        intervals.append(interval)
        continue
      }
      intervals[intervals.count - 1] = Interval(from: last.from, to: Interval.laterEnd(last.to, interval.to))
    }
  }

  /// Whether no instant is in the set.
  public var isEmpty: Bool { intervals.isEmpty }

  /// Whether the instant is in the set.
  public func contains(_ instant: Instant) -> Bool {
    var (low, high) = (0, intervals.count)
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].from <= instant { low = middle + 1 } else { high = middle }
    }
    return low > 0 && intervals[low - 1].contains(instant)
  }

  /// Adds the instants inside one interval.
  ///
  /// - Complexity: O(1) for an interval that begins after all others, else O(n).
  public mutating func insert(_ interval: Interval) {
    guard let last = intervals.last, last.to.map({ interval.from <= $0 }) ?? true else {
      intervals.append(interval)
      return
    }
    self = union(IntervalSet(interval))
  }

  /// The instants in either set.
  public func union(_ other: IntervalSet) -> IntervalSet {
    if isEmpty { return other }
    if other.isEmpty { return self }
    var merged: [Interval] = []
    merged.reserveCapacity(intervals.count + other.intervals.count)
    var (left, right) = (0, 0)
    while left < intervals.count || right < other.intervals.count {
      let takesLeft =
        right == other.intervals.count || left < intervals.count && intervals[left].from <= other.intervals[right].from
      merged.append(takesLeft ? intervals[left] : other.intervals[right])
      if takesLeft { left += 1 } else { right += 1 }
    }
    return IntervalSet(ordered: merged)
  }

  /// The instants in both sets.
  public func intersection(_ other: IntervalSet) -> IntervalSet {
    var common = IntervalSet()
    var (left, right) = (0, 0)
    while left < intervals.count, right < other.intervals.count {
      let (mine, theirs) = (intervals[left], other.intervals[right])
      if let both = mine.intersection(theirs) { common.intervals.append(both) }
      // The one that ends first can meet nothing further; on a tie either may go.
      if Interval.earlierEnd(mine.to, theirs.to) == mine.to { left += 1 } else { right += 1 }
    }
    return common
  }

  /// The instants of this set inside the interval.
  public func intersection(_ interval: Interval) -> IntervalSet {
    intersection(IntervalSet(interval))
  }

  /// The instants of this set that are not in the other.
  public func subtracting(_ other: IntervalSet) -> IntervalSet {
    intersection(other.complement)
  }

  /// The instants of this set that are not inside the interval.
  public func subtracting(_ interval: Interval) -> IntervalSet {
    subtracting(IntervalSet(interval))
  }

  /// All instants that are not in the set.
  public var complement: IntervalSet {
    var gaps = IntervalSet()
    var begin = Instant.earliest
    for interval in intervals {
      if let gap = Interval(exactly: begin, to: interval.from) { gaps.intervals.append(gap) }
      guard let end = interval.to else { return gaps }
      begin = end
    }
    gaps.intervals.append(Interval(from: begin))
    return gaps
  }

  /// The intervals in order, between braces.
  public var description: String {
    "{\(intervals.map(\.description).joined(separator: ", "))}"
  }
}
