/// A JSON document as text, for `jsonb` columns and parameters.
///
/// The server parses it; text that is not JSON is refused by the server with SQLSTATE 22P02.
public struct JSONText: Hashable, Sendable {
  /// The document.
  public var text: String

  /// A document that the server will parse.
  public init(_ text: String) {
    self.text = text
  }

  /// The version byte that begins the binary form (`jsonb_send`).
  private static let binaryVersion: UInt8 = 1
}

extension JSONText: PostgresValue {
  /// `jsonb`.
  public static var postgresType: PostgresType { .jsonb }

  /// Appends a version byte and the text.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` if the text contains NUL.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) {
    bytes.append(Self.binaryVersion)
    try text.appendBinary(to: &bytes)
  }

  /// Reads `jsonb` or `json`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    switch type {
    case PostgresType.json: text = try binary.text()
    case PostgresType.jsonb.oid:
      guard try binary.bigEndian(UInt8.self, at: 0) == Self.binaryVersion else {
        throw PostgresError(.protocolViolation, "jsonb of an unknown binary version")
      }
      text = try binary.extracting(1..<binary.byteCount).text()
    default: throw Self.mismatch(type)
    }
  }
}
