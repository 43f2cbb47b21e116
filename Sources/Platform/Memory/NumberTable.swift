internal import Glibc

/// Finds small numbers by a hash of what they stand for; what that is, the caller knows.
///
/// Open addressing with linear probing, 8 bytes a slot, at most two thirds full. Expected O(1); growing is O(numbers).
@safe public struct NumberTable: ~Copyable {
  @safe @usableFromInline struct State {
    /// The upper half is the hash, the lower the number plus one; 0 is an empty slot.
    @usableFromInline var slots: UnsafeMutablePointer<UInt64>
    @usableFromInline var mask: Int
    @usableFromInline var count: Int
  }

  @usableFromInline let state: UnsafeMutablePointer<State>

  /// An empty table.
  public init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State(slots: Self.makeSlots(16), mask: 15, count: 0))
  }

  deinit {
    unsafe free(state.pointee.slots)
    unsafe state.deallocate()
  }

  /// Bytes that the table takes.
  public var bytes: Int { unsafe (state.pointee.mask + 1) * 8 }

  private static func makeSlots(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let slots = unsafe LargePages.allocate(count * 8).bindMemory(to: UInt64.self, capacity: count)
    unsafe slots.initialize(repeating: 0, count: count)
    return unsafe slots
  }

  /// The number with this hash that the caller recognises.
  @inlinable public func find(_ hash: UInt64, where isMatch: (Int32) -> Bool) -> Int32? {
    let table = unsafe state.pointee
    var slot = Int(truncatingIfNeeded: hash >> 32) & table.mask
    while true {
      let found = unsafe table.slots[slot]
      if found == 0 { return nil }
      if found >> 32 == hash >> 32 {
        let number = Int32(truncatingIfNeeded: Int64(found & 0xffff_ffff) - 1)
        if isMatch(number) { return number }
      }
      slot = (slot &+ 1) & table.mask
    }
  }

  /// Adds a number that is not in the table yet.
  public func insert(_ hash: UInt64, _ number: Int32) {
    if unsafe state.pointee.count * 3 >= (state.pointee.mask + 1) * 2 { grow() }
    unsafe Self.put((hash >> 32) << 32 | UInt64(UInt32(number) + 1), in: state.pointee)
    unsafe state.pointee.count += 1
  }

  private static func put(_ entry: UInt64, in table: State) {
    var slot = Int(entry >> 32) & table.mask
    while unsafe table.slots[slot] != 0 { slot = (slot &+ 1) & table.mask }
    unsafe table.slots[slot] = entry
  }

  private func grow() {
    let old = unsafe state.pointee
    let count = (old.mask + 1) * 2
    unsafe state.pointee = State(slots: Self.makeSlots(count), mask: count - 1, count: old.count)
    for slot in 0...old.mask where unsafe old.slots[slot] != 0 {
      unsafe Self.put(old.slots[slot], in: state.pointee)
    }
    unsafe free(old.slots)
  }
}

/// A hash of a small key whose values nobody outside can choose; its upper half is as good as its lower.
///
/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
@inlinable public func mixed(_ key: UInt64) -> UInt64 {
  var z = key &+ 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
