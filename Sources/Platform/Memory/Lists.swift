public import CProcessor

/// Nothing is noted beside a list.
public struct NoNote: BitwiseCopyable {
  /// The only one.
  public init() {}
}

/// Many growing lists of small records, each in one piece of memory, with a note beside each.
///
/// A list costs 16 bytes, its note and its elements, for which room doubles; no object, no reference counts. Shared like a
/// reference: its owner sees to it that nobody changes it while others read.
@safe public struct Lists<Element: BitwiseCopyable, Note: BitwiseCopyable>: ~Copyable {
  @safe @usableFromInline struct Head: BitwiseCopyable {
    @usableFromInline var base: UnsafeMutablePointer<Element>?
    @usableFromInline var count: UInt32
    @usableFromInline var capacity: UInt32
    /// In the same cache line as what it is about.
    @usableFromInline var note: Note

    @usableFromInline init(_ note: Note) {
      unsafe base = nil
      count = 0
      capacity = 0
      self.note = note
    }
  }

  /// Elements that a list has room for at first.
  @usableFromInline static var smallestRoom: UInt32 { 2 }

  @usableFromInline let heads = Chunks<Head>()
  @usableFromInline let pieces = Pieces(unit: Int(smallestRoom) * MemoryLayout<Element>.stride)

  /// No lists.
  public init() {}

  deinit {
    for list in 0..<heads.count {
      let head = heads[list]
      if let base = unsafe head.base { unsafe pieces.dismiss(base, Self.doublings(head.capacity)) }
    }
  }

  /// Bytes that the lists take, with the room they keep for growth.
  public var bytes: Int { heads.bytes + pieces.bytes }

  @usableFromInline static func doublings(_ capacity: UInt32) -> Int { (capacity / smallestRoom).trailingZeroBitCount }

  /// A list's head with room for twice as much.
  @inlinable func grown(_ head: Head) -> Head {
    var grown = head
    grown.capacity = max(Self.smallestRoom, head.capacity * 2)
    let memory = unsafe pieces.take(Self.doublings(grown.capacity))
    let base = unsafe memory.bindMemory(to: Element.self, capacity: Int(grown.capacity))
    if let old = unsafe head.base {
      unsafe base.initialize(from: old, count: Int(head.count))
      unsafe pieces.giveBack(old, Self.doublings(head.capacity))
    }
    unsafe grown.base = base
    return grown
  }

  /// Makes an empty list and returns its number, counted from 0.
  public func make(_ note: Note) -> Int32 {
    heads.append(Head(note))
    return Int32(heads.count - 1)
  }

  /// What is noted beside a list.
  @inlinable public subscript(note list: Int32) -> Note {
    get { heads[list].note }
    nonmutating _modify { yield &heads[list].note }
  }

  /// How many elements a list has.
  @inlinable public func count(of list: Int32) -> Int { Int(heads[list].count) }

  /// Adds an element at the end of a list and returns its place there.
  ///
  /// Inlined, since otherwise each call looks the element's type up.
  @inlinable @discardableResult public func append(_ element: Element, to list: Int32) -> Int32 {
    var head = heads[list]
    if head.count == head.capacity { head = grown(head) }
    unsafe (head.base.unsafelyUnwrapped + Int(head.count)).initialize(to: element)
    head.count += 1
    heads[list] = head
    return Int32(head.count) - 1
  }

  /// Removes the last element of a list.
  ///
  /// - Precondition: there is one.
  public func removeLast(of list: Int32) {
    precondition(heads[list].count > 0, "the list is empty")
    heads[list].count -= 1
  }

  /// An element of a list.
  ///
  /// - Precondition: the place is taken.
  @inlinable public subscript(list: Int32, place: Int32) -> Element {
    get { view(list)[Int(place)] }
    nonmutating _modify {
      let head = heads[list]
      precondition(UInt32(bitPattern: place) < head.count, "no such element")
      yield unsafe &(head.base.unsafelyUnwrapped + Int(place)).pointee
    }
  }

  /// A list to read; valid until the next change of any list.
  @inlinable public func view(_ list: Int32) -> ListView<Element> {
    let head = heads[list]
    return unsafe ListView(base: head.base, count: Int(head.count))
  }
}

extension Lists where Note == NoNote {
  /// Makes an empty list and returns its number, counted from 0.
  public func make() -> Int32 { make(NoNote()) }
}

/// The elements of one list; valid until the next change of its store.
@safe public struct ListView<Element: BitwiseCopyable>: BitwiseCopyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>?
  /// How many there are.
  public let count: Int

  @usableFromInline init(base: UnsafeMutablePointer<Element>?, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// An element.
  ///
  /// - Precondition: `0 ≤ place < count`.
  @inlinable public subscript(place: Int) -> Element {
    @inline(__always) get {
      precondition(UInt(bitPattern: place) < UInt(bitPattern: count), "no such element")
      return unsafe base.unsafelyUnwrapped[place]
    }
  }

  /// Asks for an element that is read soon, where such a place is taken.
  @inlinable @inline(__always) public func prefetch(_ place: Int) {
    if UInt(bitPattern: place) < UInt(bitPattern: count) { unsafe shim_prefetch(base.unsafelyUnwrapped + place) }
  }
}
