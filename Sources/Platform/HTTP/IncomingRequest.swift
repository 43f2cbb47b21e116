internal import CMicroHTTPD

/// A request as libmicrohttpd holds it during one call of the access handler.
@safe struct IncomingRequest {
  let handle: SuspendedConnection
  let url: UnsafePointer<CChar>
  let method: UnsafePointer<CChar>

  /// Bytes of request line and headers.
  var headerSize: Int { unsafe shim_header_size(handle.handle) }

  /// The body's length if the client states it; libmicrohttpd has refused one that is no number.
  var contentLength: Int? {
    guard let text = unsafe MHD_lookup_connection_value(handle.handle, .HEADER_KIND, "Content-Length") else { return nil }
    return unsafe Int(String(cString: text)) ?? Int.max
  }

  /// Copies the request; a malformed path or query reads as no segments, so that the refusal can still name the raw path.
  func read(body: [UInt8]) -> (request: Request, isMalformed: Bool) {
    var values = Values()
    values.headers.reserve(fields: 8, bytes: 512)
    unsafe withUnsafeMutablePointer(to: &values) {
      _ = unsafe MHD_get_connection_values_n(handle.handle, .HEADER_KIND, Values.addHeader, $0)
      _ = unsafe MHD_get_connection_values_n(handle.handle, .GET_ARGUMENT_KIND, Values.addQuery, $0)
    }
    let path = unsafe String(validatingCString: url)
    let segments = path.flatMap { path in try? Request.segments(of: path) }
    let request = unsafe Request(
      method: Self.method(named: method), rawPath: path ?? String(cString: url), segments: segments ?? [],
      query: values.query, headers: values.headers, body: body)
    return (request, segments == nil || values.isMalformed)
  }

  private static func method(named name: UnsafePointer<CChar>) -> HTTPMethod {
    unsafe HTTPMethod(rawValue: String(cString: name)) ?? .other
  }
}

/// Headers and query while they are copied out of libmicrohttpd.
private struct Values {
  var headers = Headers()
  var query: [(name: String, value: String)] = []
  var isMalformed = false

  static let addHeader: MHD_KeyValueIteratorN = { context, _, name, nameSize, value, valueSize in
    guard let values = unsafe context?.assumingMemoryBound(to: Values.self) else { return .NO }
    unsafe values.pointee.headers.append(
      name: UnsafeRawBufferPointer(start: name, count: nameSize), value: UnsafeRawBufferPointer(start: value, count: valueSize))
    return .YES
  }

  static let addQuery: MHD_KeyValueIteratorN = { context, _, name, nameSize, value, valueSize in
    guard let values = unsafe context?.assumingMemoryBound(to: Values.self) else { return .NO }
    guard let name = unsafe decoded(UnsafeRawBufferPointer(start: name, count: nameSize)),
      let value = unsafe decoded(UnsafeRawBufferPointer(start: value, count: valueSize))
    else {
      unsafe values.pointee.isMalformed = true
      return .NO
    }
    unsafe values.pointee.query.append((name, value))
    return .YES
  }

  private static func decoded(_ bytes: UnsafeRawBufferPointer) -> String? {
    unsafe String(validating: bytes, as: UTF8.self).flatMap { text in try? percentDecoded(text[...]) }
  }
}
