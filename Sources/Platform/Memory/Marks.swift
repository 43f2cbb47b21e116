internal import Glibc

/// A set of small numbers, each with a few bits beside it, for one walk.
///
/// What is marked stands in the order of marking, so that to go through it costs nothing but what was marked; a hash table of
/// places beside it, open addressing and at most half full, finds it. 16 to 64 bytes a number, one piece of memory.
@safe public struct Marks: ~Copyable {
  /// The number in the upper bits, its marks in the lower 8; half as many as there are slots.
  @usableFromInline var entries: UnsafeMutablePointer<UInt64>?
  /// The place of an entry, counted from 1, by the hash of its number; 0 is an empty slot.
  ///
  /// They stand behind the entries, in the same memory.
  @usableFromInline var slots: UnsafeMutablePointer<UInt32>?
  /// 64 less the binary logarithm of the number of slots.
  @usableFromInline var shift = 64
  @usableFromInline var marked = 0

  /// Nothing marked, nothing allocated.
  public init() {
    unsafe entries = nil
    unsafe slots = nil
  }

  deinit { unsafe free(entries) }

  /// The slot of a key, or the empty one where it belongs.
  @inlinable @inline(__always) func slot(
    of key: UInt64, in slots: UnsafeMutablePointer<UInt32>, _ entries: UnsafeMutablePointer<UInt64>
  ) -> Int {
    let mask = (1 &<< (64 &- shift)) &- 1
    var slot = Int(truncatingIfNeeded: ((key &+ 1) &* 0x9e37_79b9_7f4a_7c15) &>> UInt64(shift))
    while true {
      let place = unsafe slots[slot]
      if unsafe place == 0 || entries[Int(place) &- 1] &>> 8 == key { return slot }
      slot = (slot &+ 1) & mask
    }
  }

  /// The bits of a number; 0 where it is not marked.
  @inlinable public subscript(number: Int32) -> UInt8 {
    guard let slots = unsafe slots, let entries = unsafe entries else { return 0 }
    let place = unsafe slots[slot(of: UInt64(UInt32(bitPattern: number)), in: slots, entries)]
    return unsafe place == 0 ? 0 : UInt8(truncatingIfNeeded: entries[Int(place) &- 1])
  }

  /// Adds bits to a number and returns those that it had before.
  ///
  /// - Precondition: `bits` is not 0.
  @inlinable @inline(__always) @discardableResult public mutating func add(_ bits: UInt8, to number: Int32) -> UInt8 {
    if marked &<< 1 &+ 1 >= 1 &<< (64 &- shift) { grow(bits: max(7, 64 - shift + 2)) }
    let key = UInt64(UInt32(bitPattern: number))
    let (slots, entries) = unsafe (slots.unsafelyUnwrapped, entries.unsafelyUnwrapped)
    let slot = unsafe slot(of: key, in: slots, entries)
    let place = unsafe Int(slots[slot])
    if place == 0 {
      unsafe entries[marked] = key &<< 8 | UInt64(bits)
      marked &+= 1
      unsafe slots[slot] = UInt32(truncatingIfNeeded: marked)
      return 0
    }
    let found = unsafe entries[place &- 1]
    unsafe entries[place &- 1] = found | UInt64(bits)
    return UInt8(truncatingIfNeeded: found)
  }

  /// How many numbers are marked.
  @inlinable public var count: Int { marked }

  /// Calls back with each number and its bits, in the order of marking.
  @inlinable public func forEach(_ body: (Int32, UInt8) -> Void) {
    guard let entries = unsafe entries else { return }
    for place in 0..<marked {
      let entry = unsafe entries[place]
      body(Int32(truncatingIfNeeded: entry &>> 8), UInt8(truncatingIfNeeded: entry))
    }
  }

  /// The numbers that have none of some bits, in the order of marking.
  public func numbers(without bits: UInt8) -> [Int32] {
    guard let entries = unsafe entries else { return [] }
    return unsafe Array(unsafeUninitializedCapacity: marked) { numbers, count in
      for place in 0..<marked {
        let entry = unsafe entries[place]
        if UInt8(truncatingIfNeeded: entry) & bits != 0 { continue }
        unsafe numbers[count] = Int32(truncatingIfNeeded: entry &>> 8)
        count += 1
      }
    }
  }

  /// Makes room for as many numbers, so that marking them does not grow again and again.
  public mutating func reserve(_ numbers: Int) {
    let bits = Int.bitWidth - max(numbers, 8).leadingZeroBitCount + 1
    if bits > 64 - shift { grow(bits: max(bits, 64 - shift + 2)) }
  }

  @usableFromInline mutating func grow(bits: Int) {
    let (size, room) = (1 << bits, 1 << (bits - 1))
    guard let memory = unsafe realloc(entries, room * 8 + size * 4) else { fatalError("there is no memory for marks") }
    let grown = unsafe memory.bindMemory(to: UInt64.self, capacity: room)
    let behind = unsafe (memory + room * 8).bindMemory(to: UInt32.self, capacity: size)
    unsafe behind.initialize(repeating: 0, count: size)
    unsafe entries = grown
    unsafe slots = behind
    shift = 64 - bits
    for place in 0..<marked {
      unsafe behind[slot(of: grown[place] >> 8, in: behind, grown)] = UInt32(truncatingIfNeeded: place + 1)
    }
  }
}
