import HTTP

/// What a request's headers say, checked.
struct CallHeaders: Sendable {
  /// Bytes of an idempotency key: a UUID, a ticket or a digest fits many times.
  static let keyBytes = 255

  /// The tenant, by default `default`.
  let tenant: String
  /// The position that the answer must include.
  let minimumPosition: Int64
  /// The idempotency key, without its quotes.
  let commandID: String?
  /// The trace id of W3C Trace Context.
  let correlationID: String?

  init(_ headers: Headers) throws(Problem) {
    tenant = try Self.single("Tenure-Tenant", headers) ?? "default"
    minimumPosition = try Self.position(headers)
    commandID = try Self.key(headers)
    correlationID = headers["traceparent"].flatMap(Self.traceID)
  }

  private static func single(_ name: String, _ headers: Headers) throws(Problem) -> String? {
    let values = headers.values(of: name)
    if values.count > 1 { throw .header(name, "must be given once") }
    return values.first
  }

  private static func position(_ headers: Headers) throws(Problem) -> Int64 {
    guard let text = try single("Tenure-Min-Position", headers) else { return 0 }
    guard let position = Int64(text), position >= 0 else {
      throw .header("Tenure-Min-Position", "must be a position: 0, 1, 2, …")
    }
    return position
  }

  /// The draft asks for a quoted string (draft-ietf-httpapi-idempotency-key-header); bare ones are in wide use.
  private static func key(_ headers: Headers) throws(Problem) -> String? {
    guard var text = try single("Idempotency-Key", headers)?[...] else { return nil }
    if text.utf8.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
    guard !text.isEmpty, text.utf8.count <= keyBytes else {
      throw .header("Idempotency-Key", "must be 1 to \(keyBytes) bytes")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
      throw .header("Idempotency-Key", "must be printable ASCII without spaces, quotes and backslashes")
    }
    guard !reservedKeys.contains(where: { text.hasPrefix($0) }) else {
      throw .header(
        "Idempotency-Key", "must not begin with \(reservedKeys.joined(separator: " or ")): those keys are Tenure's own")
    }
    return String(text)
  }

  /// What the keys begin with that Tenure makes itself: a caller must not be able to take an import's or a job's key before it.
  private static let reservedKeys = ["internal:", "peribolos:", "expire-grants:", "lapse-requests:", "warn-expiring:"]

  /// The trace id of a valid `traceparent`; an invalid one is ignored, as W3C Trace Context demands.
  private static func traceID(_ text: String) -> String? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff", parts[1].utf8.count == 32, parts[2].utf8.count == 16,
      parts[3].utf8.count == 2, parts[0] != "00" || parts.count == 4,
      parts[0..<4].allSatisfy({ $0.utf8.allSatisfy(isLowercaseHexadecimal) }), parts[1].contains(where: { $0 != "0" }),
      parts[2].contains(where: { $0 != "0" })
    else { return nil }
    return String(parts[1])
  }

  private static func isLowercaseHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
