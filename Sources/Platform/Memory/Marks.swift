internal import Glibc

/// A set of small numbers, each with a few bits beside it, for one walk.
///
/// Open addressing, 8 bytes a slot, at most half full: proportional to what was marked, whatever there is to mark.
@safe public struct Marks: ~Copyable {
  /// The key plus one in the upper bits, the marks in the lower 8; 0 is an empty slot.
  @usableFromInline var slots: UnsafeMutablePointer<UInt64>?
  /// 64 less the binary logarithm of the number of slots.
  @usableFromInline var shift = 64
  @usableFromInline var marked = 0

  /// Nothing marked, nothing allocated.
  public init() { unsafe slots = nil }

  deinit { unsafe free(slots) }

  private static func makeSlots(bits: Int) -> UnsafeMutablePointer<UInt64> {
    guard let raw = unsafe calloc(1 << bits, 8) else { fatalError("there is no memory for marks") }
    return unsafe raw.bindMemory(to: UInt64.self, capacity: 1 << bits)
  }

  /// The slot of a key, or the empty one where it belongs.
  @inlinable @inline(__always) func slot(of key: UInt64, in slots: UnsafeMutablePointer<UInt64>) -> Int {
    let mask = (1 &<< (64 &- shift)) &- 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) &>> UInt64(shift))
    while true {
      let found = unsafe slots[slot]
      if found == 0 || found &>> 8 == key { return slot }
      slot = (slot &+ 1) & mask
    }
  }

  /// The bits of a number; 0 where it is not marked.
  @inlinable public subscript(number: Int32) -> UInt8 {
    guard let slots = unsafe slots else { return 0 }
    return unsafe UInt8(truncatingIfNeeded: slots[slot(of: UInt64(UInt32(bitPattern: number)) &+ 1, in: slots)])
  }

  /// Adds bits to a number and returns those that it had before.
  ///
  /// - Precondition: `bits` is not 0.
  @inlinable @inline(__always) @discardableResult public mutating func add(_ bits: UInt8, to number: Int32) -> UInt8 {
    if marked &<< 1 &+ 1 >= 1 &<< (64 &- shift) { grow(bits: max(7, 64 - shift + 2)) }
    let key = UInt64(UInt32(bitPattern: number)) &+ 1
    let slots = unsafe slots.unsafelyUnwrapped
    let slot = unsafe slot(of: key, in: slots)
    let found = unsafe slots[slot]
    unsafe slots[slot] = (found | key &<< 8) | UInt64(bits)
    if found == 0 { marked &+= 1 }
    return UInt8(truncatingIfNeeded: found)
  }

  /// How many numbers are marked.
  @inlinable public var count: Int { marked }

  /// Calls back with each number and its bits, in no order.
  ///
  /// O(room): at most a few times as much as is marked.
  @inlinable public func forEach(_ body: (Int32, UInt8) -> Void) {
    guard let slots = unsafe slots else { return }
    for index in 0..<(1 &<< (64 &- shift)) {
      let found = unsafe slots[index]
      if found != 0 { body(Int32(truncatingIfNeeded: (found &>> 8) &- 1), UInt8(truncatingIfNeeded: found)) }
    }
  }

  /// Makes room for as many numbers, so that marking them does not grow again and again.
  public mutating func reserve(_ numbers: Int) {
    let bits = Int.bitWidth - max(numbers, 8).leadingZeroBitCount + 1
    if bits > 64 - shift { grow(bits: max(bits, 64 - shift + 2)) }
  }

  @usableFromInline mutating func grow(bits: Int) {
    let (old, size) = unsafe (slots, shift == 64 ? 0 : 1 << (64 - shift))
    let grown = unsafe Self.makeSlots(bits: bits)
    unsafe slots = grown
    shift = 64 - bits
    if let old = unsafe old {
      for index in 0..<size where unsafe old[index] != 0 {
        unsafe grown[slot(of: old[index] >> 8, in: grown)] = old[index]
      }
    }
    unsafe free(old)
  }
}
