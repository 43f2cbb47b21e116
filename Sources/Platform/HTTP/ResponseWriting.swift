internal import CMicroHTTPD

/// Hands a response to libmicrohttpd; `NO` if it does not take it, as for a header that cannot be sent.
///
/// The corresponding C function is `MHD_queue_response`.
func queue(_ response: Response, on connection: SuspendedConnection, log: (@Sendable (String) -> Void)?) -> MHD_Result {
  guard response.headers.areSafeToSend, let made = unsafe make(response.body, log) else { return .NO }
  defer { unsafe MHD_destroy_response(made) }
  guard unsafe addHeaders(response.headers, to: made) else { return .NO }
  return unsafe MHD_queue_response(connection.handle, UInt32(response.status), made)
}

private func make(_ body: Response.Body, _ log: (@Sendable (String) -> Void)?) -> OpaquePointer? {
  switch body {
  case .bytes(let bytes):
    return unsafe bytes.withUnsafeBytes {
      unsafe MHD_create_response_from_buffer(
        $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
  case .stream(let producer):
    let reader = unsafe Unmanaged.passRetained(StreamReader(producer, log))
    let made = unsafe MHD_create_response_from_callback(
      UInt64.max, StreamReader.blockBytes, StreamReader.read, reader.toOpaque(), StreamReader.free)
    if unsafe made == nil { unsafe reader.release() }
    return unsafe made
  }
}

private func addHeaders(_ headers: Headers, to response: OpaquePointer) -> Bool {
  unsafe headers.bytes.withUnsafeBytes { bytes in
    guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return true }
    return headers.fields.allSatisfy {
      unsafe MHD_add_response_header(response, start + $0.name.lowerBound, start + $0.value.lowerBound) == .YES
    }
  }
}

/// Cuts a producer's slices to the space libmicrohttpd has; used by one thread, the connection's.
private final class StreamReader {
  /// The size in bytes of libmicrohttpd's buffer; a chunk is no longer.
  static let blockBytes = 32 * 1024

  private let producer: @Sendable () throws -> [UInt8]?
  private let log: (@Sendable (String) -> Void)?
  private var slice: ArraySlice<UInt8> = []

  init(_ producer: @escaping @Sendable () throws -> [UInt8]?, _ log: (@Sendable (String) -> Void)?) {
    self.producer = producer
    self.log = log
  }

  /// The corresponding C type is `MHD_ContentReaderCallback`; −1 ends the stream, −2 cuts the connection.
  static let read: MHD_ContentReaderCallback = { context, _, buffer, size in
    guard let context = unsafe context, let buffer = unsafe buffer else { return -2 }
    let reader = unsafe Unmanaged<StreamReader>.fromOpaque(context).takeUnretainedValue()
    return unsafe reader.fill(UnsafeMutableRawBufferPointer(start: buffer, count: size))
  }

  static let free: MHD_ContentReaderFreeCallback = { context in
    if let context = unsafe context { unsafe Unmanaged<StreamReader>.fromOpaque(context).release() }
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    do {
      // Zero bytes would mean "ask again at once", so empty slices are skipped here.
      while slice.isEmpty {
        guard let next = try producer() else { return -1 }
        slice = next[...]
      }
    } catch {
      log?("a stream ended early: \(type(of: error))")
      return -2
    }
    let count = min(slice.count, buffer.count)
    unsafe buffer.copyBytes(from: slice.prefix(count))
    slice = slice.dropFirst(count)
    return count
  }
}
