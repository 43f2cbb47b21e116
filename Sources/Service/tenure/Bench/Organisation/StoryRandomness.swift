/// SplitMix64 (Steele, Lea, Flood 2014): small, quick, and the same on every machine.
struct StoryRandomness: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// The finaliser alone: a hash of a number.
  static func mix(_ number: UInt64) -> UInt64 {
    var z = number
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number below a bound, which must be positive; the bias is below one in 2¹⁶ for any bound below 2⁴⁸.
  mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

  /// Whether something of that share happens.
  mutating func happens(_ share: Double) -> Bool { unit() < share }

  /// A number in [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A size drawn from quantiles, between which it is interpolated.
  mutating func size(_ quantiles: [(share: Double, size: Double)]) -> Int {
    let u = unit()
    for index in 1..<quantiles.count where u < quantiles[index].share || index == quantiles.count - 1 {
      let (low, high) = (quantiles[index - 1], quantiles[index])
      let within = (u - low.share) / (high.share - low.share)
      return max(1, Int((low.size + within * (high.size - low.size)).rounded()))
    }
    return 1
  }
}
