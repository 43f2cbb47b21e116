public import CProcessor
internal import Glibc

/// Records of one type in memory that never moves: chunks, each twice as large as the one before.
///
/// Growth copies nothing, and what was never written costs address space only. Shared like a reference: its owner sees to it
/// that nobody changes it while others read. Access is O(1) and checked.
@safe public struct Chunks<Element: BitwiseCopyable>: ~Copyable {
  /// Chunk n holds 2^(n + firstBits) elements: small graphs, of which tests make thousands, stay small.
  @usableFromInline static var firstBits: Int { 5 }
  /// Chunks at the most: 2^40 elements, more than any machine here has memory for.
  @usableFromInline static var maximumChunks: Int { 36 }

  @usableFromInline let table: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>
  @usableFromInline let counter: UnsafeMutablePointer<Int>

  /// An empty store.
  public init() {
    unsafe table = .allocate(capacity: Self.maximumChunks)
    unsafe table.initialize(repeating: nil, count: Self.maximumChunks)
    unsafe counter = .allocate(capacity: 1)
    unsafe counter.initialize(to: 0)
  }

  deinit {
    for chunk in 0..<Self.maximumChunks { unsafe free(table[chunk]) }
    unsafe table.deallocate()
    unsafe counter.deallocate()
  }

  /// Elements stored.
  @inlinable public var count: Int { unsafe counter.pointee }

  /// Bytes that the elements take.
  public var bytes: Int { count * MemoryLayout<Element>.stride }

  @inlinable func address(_ index: Int) -> UnsafeMutablePointer<Element> {
    let place = index &+ (1 << Self.firstBits)
    let bit = Int.bitWidth &- 1 &- place.leadingZeroBitCount
    return unsafe table[bit &- Self.firstBits].unsafelyUnwrapped + (place ^ (1 << bit))
  }

  /// An element by its number.
  ///
  /// - Precondition: `0 ≤ index < count`.
  @inlinable public subscript(index: Int) -> Element {
    @inline(__always) get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such element")
      return unsafe address(index).pointee
    }
    @inline(__always) nonmutating _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such element")
      yield unsafe &address(index).pointee
    }
  }

  /// An element by its number.
  ///
  /// - Precondition: `0 ≤ index < count`.
  @inlinable public subscript(index: Int32) -> Element {
    @inline(__always) get { self[Int(index)] }
    @inline(__always) nonmutating _modify { yield &self[Int(index)] }
  }

  /// Asks for an element that is read soon.
  ///
  /// - Precondition: `0 ≤ index < count`.
  @inlinable @inline(__always) public func prefetch(_ index: Int32) {
    precondition(UInt32(bitPattern: index) < UInt(bitPattern: count), "no such element")
    unsafe shim_prefetch(address(Int(index)))
  }

  /// Adds an element at the end.
  @inlinable public func append(_ element: Element) {
    let place = count &+ (1 << Self.firstBits)
    let bit = Int.bitWidth &- 1 &- place.leadingZeroBitCount
    let chunk = bit &- Self.firstBits
    if unsafe table[chunk] == nil { makeChunk(chunk, capacity: 1 << bit) }
    unsafe (table[chunk].unsafelyUnwrapped + (place ^ (1 << bit))).initialize(to: element)
    unsafe counter.pointee &+= 1
  }

  @usableFromInline func makeChunk(_ chunk: Int, capacity: Int) {
    precondition(chunk < Self.maximumChunks, "too many elements")
    let memory = unsafe LargePages.allocate(capacity * MemoryLayout<Element>.stride)
    unsafe table[chunk] = memory.bindMemory(to: Element.self, capacity: capacity)
  }

  /// Removes and returns the last element.
  ///
  /// - Precondition: there is one.
  @discardableResult public func removeLast() -> Element {
    let last = self[count - 1]
    unsafe counter.pointee -= 1
    return last
  }
}
