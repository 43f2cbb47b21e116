internal import Glibc

/// A set of small numbers, each with a few bits beside it, for one walk.
///
/// Open addressing, 8 bytes a slot, at most half full: proportional to what was marked, whatever there is to mark.
@safe public struct Marks: ~Copyable {
  /// The key plus one in the upper bits, the marks in the lower 8; 0 is an empty slot.
  @usableFromInline var slots: UnsafeMutablePointer<UInt64>
  @usableFromInline var shift: Int
  /// How many numbers are marked.
  public private(set) var count = 0

  /// Nothing marked.
  public init() {
    unsafe slots = Self.makeSlots(bits: 4)
    shift = 60
  }

  deinit { unsafe free(slots) }

  private static func makeSlots(bits: Int) -> UnsafeMutablePointer<UInt64> {
    guard let raw = unsafe calloc(1 << bits, 8) else { fatalError("there is no memory for marks") }
    return unsafe raw.bindMemory(to: UInt64.self, capacity: 1 << bits)
  }

  @inlinable func slot(of key: UInt64) -> Int {
    let mask = (1 << (64 - shift)) - 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> UInt64(shift))
    while true {
      let found = unsafe slots[slot]
      if found == 0 || found >> 8 == key { return slot }
      slot = (slot &+ 1) & mask
    }
  }

  /// The bits of a number; 0 where it is not marked.
  @inlinable public subscript(number: Int32) -> UInt8 {
    unsafe UInt8(truncatingIfNeeded: slots[slot(of: UInt64(UInt32(bitPattern: number)) + 1)])
  }

  /// Adds bits to a number and returns those that it had before.
  ///
  /// - Precondition: `bits` is not 0.
  @discardableResult public mutating func add(_ bits: UInt8, to number: Int32) -> UInt8 {
    let key = UInt64(UInt32(bitPattern: number)) + 1
    let slot = slot(of: key)
    let found = unsafe slots[slot]
    if found != 0 {
      unsafe slots[slot] = found | UInt64(bits)
      return UInt8(truncatingIfNeeded: found)
    }
    unsafe slots[slot] = key << 8 | UInt64(bits)
    count += 1
    if count * 2 > 1 << (64 - shift) { grow(bits: 64 - shift + 2) }
    return 0
  }

  /// Makes room for as many numbers, so that marking them does not grow again and again.
  public mutating func reserve(_ numbers: Int) {
    let bits = Int.bitWidth - max(numbers, 8).leadingZeroBitCount + 1
    if bits > 64 - shift { grow(bits: bits) }
  }

  private mutating func grow(bits: Int) {
    let (old, size) = unsafe (slots, 1 << (64 - shift))
    unsafe slots = Self.makeSlots(bits: bits)
    shift = 64 - bits
    for index in 0..<size where unsafe old[index] != 0 {
      unsafe slots[slot(of: old[index] >> 8)] = old[index]
    }
    unsafe free(old)
  }

  /// Calls back with each number and its bits, in no order.
  @inlinable public func forEach(_ body: (Int32, UInt8) -> Void) {
    for index in 0..<(1 << (64 - shift)) {
      let found = unsafe slots[index]
      if found != 0 { body(Int32(truncatingIfNeeded: (found >> 8) - 1), UInt8(truncatingIfNeeded: found)) }
    }
  }
}
