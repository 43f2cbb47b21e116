/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers from the same seed on every platform and toolchain.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Begins the sequence of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from 0 up to, not including, `bound`; written here because the standard library's method may change.
  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// True `part` times in `whole`.
  public mutating func chance(_ part: Int, in whole: Int) -> Bool { below(whole) < part }

  /// One of the items.
  public mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

  /// Some of the items, in their order: each with the same chance.
  public mutating func some<T>(_ items: [T], chance part: Int, in whole: Int) -> [T] {
    items.filter { _ in chance(part, in: whole) }
  }
}
