/// One request, received in full.
public struct Request: Sendable {
  /// What is asked.
  public let method: HTTPMethod
  /// The path as the client sent it, percent signs and all, without the query.
  public let rawPath: String
  /// The path split at `/` and then decoded, so that an id holding an encoded slash stays one segment; `/` has none.
  public let segments: [String]
  /// The query's names and values, decoded, in order; a name without `=` has an empty value, `+` is a space.
  public let query: [(name: String, value: String)]
  /// The header fields.
  public let headers: Headers
  /// The body's bytes; empty if there is none.
  public let body: [UInt8]

  /// Makes a request; the query is given decoded.
  ///
  /// - Throws: `MalformedTarget` if the path does not begin with `/` or is not percent-encoded UTF-8 without NUL.
  public init(
    method: HTTPMethod, rawPath: String, query: [(name: String, value: String)] = [], headers: Headers = Headers(),
    body: [UInt8] = []
  ) throws(MalformedTarget) {
    self.init(
      method: method, rawPath: rawPath, segments: try Self.segments(of: rawPath), query: query, headers: headers, body: body)
  }

  /// Makes a request from parts already checked, or one known to be malformed that is only shown to `ProblemResponse`.
  init(
    method: HTTPMethod, rawPath: String, segments: [String], query: [(name: String, value: String)], headers: Headers,
    body: [UInt8]
  ) {
    self.method = method
    self.rawPath = rawPath
    self.segments = segments
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The decoded path; an encoded slash in a segment cannot be told from a separator here, so route by `segments`.
  public var path: String { "/" + segments.joined(separator: "/") }

  /// The first value of a query name, or nil; O(query).
  public func query(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }

  /// Room for the segments of an ordinary path.
  private static let usualSegments = 4

  static func segments(of rawPath: String) throws(MalformedTarget) -> [String] {
    let bytes = rawPath.utf8
    let slash = UInt8(ascii: "/")
    guard bytes.first == slash else { throw MalformedTarget() }
    var start = bytes.index(after: bytes.startIndex)
    if start == bytes.endIndex { return [] }
    var segments: [String] = []
    segments.reserveCapacity(usualSegments)
    while true {
      let end = bytes[start...].firstIndex(of: slash) ?? bytes.endIndex
      segments.append(try percentDecoded(rawPath[start..<end]))
      if end == bytes.endIndex { return segments }
      start = bytes.index(after: end)
    }
  }
}
