import Temporal
import Testing

/// The instant so many microseconds after the epoch, short for the tables below.
private func at(_ microseconds: Int64) -> Instant { Instant(microseconds: microseconds) }

private func interval(_ from: Int64, _ to: Int64?) -> Interval { Interval(from: at(from), to: to.map(at)) }

@Suite struct IntervalTests {
  @Test func `the beginning is inside and the end is not`() {
    let interval = interval(2, 5)
    #expect(!interval.contains(at(1)))
    #expect(interval.contains(at(2)))
    #expect(interval.contains(at(4)))
    #expect(!interval.contains(at(5)))
    #expect(Interval.always.contains(.earliest) && Interval.always.contains(.latest))
  }

  @Test func `an empty interval cannot be made`() {
    #expect(Interval(exactly: at(5), to: at(5)) == nil)
    #expect(Interval(exactly: at(5), to: at(4)) == nil)
    #expect(Interval(exactly: at(5), to: nil) == interval(5, nil))
  }

  static let pairs: [(Interval, Interval, Interval?)] = [
    (interval(0, 5), interval(5, 9), nil),
    (interval(0, 5), interval(4, 9), interval(4, 5)),
    (interval(0, 9), interval(3, 4), interval(3, 4)),
    (interval(0, nil), interval(3, nil), interval(3, nil)),
    (interval(0, nil), interval(3, 4), interval(3, 4)),
    (interval(9, nil), interval(3, 9), nil),
  ]

  @Test(arguments: pairs) func `two intervals overlap where their intersection is not empty`(
    left: Interval, right: Interval, common: Interval?
  ) {
    #expect(left.intersection(right) == common)
    #expect(right.intersection(left) == common)
    #expect(left.overlaps(right) == (common != nil))
    #expect(right.overlaps(left) == (common != nil))
    #expect(left.contains(right) == (common == right))
  }
}

@Suite struct IntervalSetTests {
  @Test func `intervals that overlap or touch become one`() {
    var set = IntervalSet([interval(5, 7), interval(0, 2), interval(2, 3)])
    #expect(set.intervals == [interval(0, 3), interval(5, 7)])
    set.insert(interval(3, 5))
    #expect(set.intervals == [interval(0, 7)])
    set.insert(interval(9, nil))
    set.insert(interval(20, 30))
    #expect(set.intervals == [interval(0, 7), interval(9, nil)])
    #expect(set.complement.intervals == [Interval(from: .earliest, to: at(0)), interval(7, 9)])
  }

  @Test func `the empty set and all of time are each other's complement`() {
    #expect(IntervalSet().isEmpty)
    #expect(IntervalSet().complement == IntervalSet(.always))
    #expect(IntervalSet(.always).complement == IntervalSet())
  }

  /// Sets of small numbers as the model: place 40 stands for all instants from 40 on, where no interval begins or ends.
  private struct Model {
    static let places = 0...40
    var set = IntervalSet()
    var members: Set<Int> = []

    init(using random: inout SplitMix64) {
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let from = Int.random(in: 0..<40, using: &random)
        let to = Int.random(in: 0..<5, using: &random) == 0 ? nil : Int.random(in: from + 1...40, using: &random)
        set.insert(interval(Int64(from), to.map(Int64.init)))
        members.formUnion(from...(to.map { $0 - 1 } ?? 40))
      }
    }
  }

  @Test(arguments: [1, 2, 3, UInt64.random(in: .min ... .max)])
  func `random sets agree with a naive model`(seed: UInt64) {
    print("IntervalSet against the naive model: seed \(seed)")
    var random = SplitMix64(state: seed)
    for round in 0..<2000 {
      let (left, right) = (Model(using: &random), Model(using: &random))
      let place: Comment = "seed \(seed), round \(round)"
      expect(left.set, holds: left.members, place)
      expect(left.set.union(right.set), holds: left.members.union(right.members), place)
      expect(left.set.intersection(right.set), holds: left.members.intersection(right.members), place)
      expect(left.set.subtracting(right.set), holds: left.members.subtracting(right.members), place)
      expect(left.set.complement, holds: Set(Model.places).subtracting(left.members), place)
      #expect(left.set.union(right.set) == right.set.union(left.set), place)
      #expect(IntervalSet(left.set.intervals.shuffled(using: &random)) == left.set, place)
    }
  }

  private func expect(_ set: IntervalSet, holds members: Set<Int>, _ place: Comment) {
    #expect(Set(Model.places.filter { set.contains(at(Int64($0))) }) == members, place)
    let isApart = zip(set.intervals, set.intervals.dropFirst()).allSatisfy { left, right in
      left.to.map { $0 < right.from } ?? false
    }
    #expect(isApart, place)
  }
}

/// A small generator whose numbers depend on its seed only (Steele, Lea and Flood, 2014).
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
