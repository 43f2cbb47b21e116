internal import CZlib

/// Unpacks one gzip member; the only place that touches zlib.
///
/// The corresponding C functions are `inflateInit2`, `inflate` and `inflateEnd`.
@safe struct Inflation: ~Copyable {
  /// At a fixed address, because zlib keeps a pointer to it.
  private let stream: UnsafeMutablePointer<z_stream>

  /// Bytes unpacked by one call: enough that calls cost nothing, and what a refused file wastes at most.
  private static let stepBytes = 1 << 18

  init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe tenure_inflate_init_gzip(stream) == Z_OK else { fatalError("there is no memory to unpack gzip") }
  }

  deinit {
    _ = unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Unpacks a further piece of the member, and answers where it ends in it, and whether the member ends with it.
  ///
  /// - Parameters:
  ///   - bytes: the piece.
  ///   - start: where it begins.
  ///   - content: what comes out is put behind it.
  ///   - most: the longest that the content may become.
  ///   - offset: what was read before the piece's beginning, for errors.
  mutating func inflate(
    _ bytes: [UInt8], from start: Int, into content: inout [UInt8], most: Int, at offset: Int
  ) throws(GzipError) -> (end: Int, isOver: Bool) {
    var place = start
    while true {
      let input = bytes[place..<min(place + Self.stepBytes, bytes.count)]
      let (status, read, output) = step(input)
      place += read
      if content.count + output.count > most { throw GzipError(.tooLong(maximumBytes: most), at: offset + place - start) }
      content += output
      switch status {
      case Z_STREAM_END: return (place, true)
      // Where the output was not filled, all that was put in has come out.
      case Z_OK: if place == bytes.count, output.count < Self.stepBytes { return (place, false) }
      // Nothing went in and nothing came out: there is no more to read, and the member has not ended.
      case Z_BUF_ERROR: return (place, false)
      case Z_MEM_ERROR: fatalError("there is no memory to unpack gzip")
      default: throw GzipError(.damaged, at: offset + place - start)
      }
    }
  }

  /// One call of zlib: what it said, how many bytes it took, and what came out.
  private mutating func step(_ input: ArraySlice<UInt8>) -> (status: Int32, read: Int, output: [UInt8]) {
    unsafe input.withUnsafeBufferPointer { input in
      var status = Z_OK
      // zlib reads what it is given and does not write to it, though it says so only with a macro.
      unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
      unsafe stream.pointee.avail_in = UInt32(input.count)
      let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.stepBytes) { buffer, count in
        unsafe stream.pointee.next_out = buffer.baseAddress
        unsafe stream.pointee.avail_out = UInt32(Self.stepBytes)
        status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        count = unsafe Self.stepBytes - Int(stream.pointee.avail_out)
      }
      let read = unsafe input.count - Int(stream.pointee.avail_in)
      unsafe stream.pointee.next_in = nil
      unsafe stream.pointee.next_out = nil
      return (status, read, output)
    }
  }
}
