internal import Glibc

/// Texts as small numbers, given out in order and never taken back; two texts are one exactly if their bytes are.
///
/// About 8 bytes beside the text's own and 12 to 24 for finding it. The hash is Swift's, seeded anew in each process: whoever
/// chooses the texts cannot choose their hashes.
@safe public struct Texts: ~Copyable {
  /// Where each text begins among the bytes (upper 40 bits) and how long it is (lower 24).
  let places = Chunks<UInt64>()
  private let table = NumberTable()
  let store = ByteStore()

  /// The longest text: what 24 bits can count; the limits of ids and paths lie far below.
  public static let maximumBytes = 1 << 24 - 1

  /// No texts.
  public init() {}

  /// How many texts there are.
  public var count: Int { places.count }

  /// Bytes that all of it takes.
  public var bytes: Int { places.bytes + table.bytes + store.bytes }

  /// The number of a text, given now where it has none.
  public func number(_ text: String) -> Int32 {
    var text = text
    return text.withUTF8 { unsafe number(UnsafeRawBufferPointer($0)) }
  }

  /// The number of a text given as UTF-8 bytes, which the caller knows to be valid.
  public func number(utf8: Span<UInt8>) -> Int32 {
    unsafe utf8.withUnsafeBufferPointer { unsafe number(UnsafeRawBufferPointer($0)) }
  }

  /// The number of a text; nil where it has none.
  public func find(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      return unsafe find(bytes, hash: Self.hash(bytes))
    }
  }

  /// Whether a text is these bytes.
  public func isText(_ number: Int32, utf8: Span<UInt8>) -> Bool {
    unsafe utf8.withUnsafeBufferPointer { unsafe isText(number, UnsafeRawBufferPointer($0)) }
  }

  /// The number of a text given as UTF-8 bytes; nil where it has none.
  public func find(utf8: Span<UInt8>) -> Int32? {
    unsafe utf8.withUnsafeBufferPointer { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      return unsafe find(bytes, hash: Self.hash(bytes))
    }
  }

  private func number(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    let hash = unsafe Self.hash(bytes)
    if let number = unsafe find(bytes, hash: hash) { return number }
    precondition(bytes.count <= Self.maximumBytes, "the text is too long")
    let start = unsafe store.append(bytes)
    let number = Int32(places.count)
    places.append(UInt64(start) << 24 | UInt64(bytes.count))
    table.insert(hash, number)
    return number
  }

  private func find(_ bytes: UnsafeRawBufferPointer, hash: UInt64) -> Int32? {
    table.find(hash) { unsafe isText($0, bytes) }
  }

  @inline(__always) private func isText(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
    let place = places[number]
    guard Int(place & 0xff_ffff) == bytes.count else { return false }
    guard let base = bytes.baseAddress, bytes.count > 0 else { return true }
    return unsafe memcmp(store.address(Int(place >> 24)), base, bytes.count) == 0
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    unsafe hasher.combine(bytes: bytes)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// A text by its number.
  public subscript(number: Int32) -> String {
    unsafe String(decoding: bytes(of: number), as: UTF8.self)
  }

  /// Whether one text comes before another in the order of their bytes.
  public func precedes(_ a: Int32, _ b: Int32) -> Bool {
    let (x, y) = unsafe (bytes(of: a), bytes(of: b))
    let order = unsafe memcmp(x.baseAddress.unsafelyUnwrapped, y.baseAddress.unsafelyUnwrapped, min(x.count, y.count))
    return order != 0 ? order < 0 : x.count < y.count
  }

  func bytes(of number: Int32) -> UnsafeRawBufferPointer {
    let place = places[number]
    return unsafe UnsafeRawBufferPointer(start: store.address(Int(place >> 24)), count: Int(place & 0xff_ffff))
  }
}

/// Bytes in chunks that never move; no run of bytes lies in two chunks.
@safe struct ByteStore: ~Copyable {
  /// Chunk n holds 2^(n + firstBits) bytes.
  private static var firstBits: Int { 10 }
  private static var maximumChunks: Int { 31 }

  private let table: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
  private let end: UnsafeMutablePointer<Int>

  init() {
    unsafe table = .allocate(capacity: Self.maximumChunks)
    unsafe table.initialize(repeating: nil, count: Self.maximumChunks)
    unsafe table[0] = Self.makeChunk(1 << Self.firstBits)
    unsafe end = .allocate(capacity: 1)
    unsafe end.initialize(to: 0)
  }

  deinit {
    for chunk in 0..<Self.maximumChunks { unsafe free(table[chunk]) }
    unsafe table.deallocate()
    unsafe end.deallocate()
  }

  var bytes: Int { unsafe end.pointee }

  private static func makeChunk(_ bytes: Int) -> UnsafeMutablePointer<UInt8> {
    unsafe LargePages.allocate(bytes).bindMemory(to: UInt8.self, capacity: bytes)
  }

  private static func locate(_ start: Int) -> (chunk: Int, offset: Int) {
    let place = start + (1 << firstBits)
    let bit = Int.bitWidth - 1 - place.leadingZeroBitCount
    return (bit - firstBits, place ^ (1 << bit))
  }

  func address(_ start: Int) -> UnsafeMutablePointer<UInt8> {
    let (chunk, offset) = Self.locate(start)
    return unsafe table[chunk].unsafelyUnwrapped + offset
  }

  /// Stores bytes and returns where they begin.
  func append(_ bytes: UnsafeRawBufferPointer) -> Int {
    var start = unsafe end.pointee
    while true {
      let (chunk, offset) = Self.locate(start)
      let capacity = 1 << (chunk + Self.firstBits)
      precondition(chunk < Self.maximumChunks, "too many bytes of text")
      if unsafe table[chunk] == nil { unsafe table[chunk] = Self.makeChunk(capacity) }
      if offset + bytes.count <= capacity { break }
      start += capacity - offset
    }
    if let base = bytes.baseAddress { unsafe memcpy(address(start), base, bytes.count) }
    unsafe end.pointee = start + bytes.count
    return start
  }
}
