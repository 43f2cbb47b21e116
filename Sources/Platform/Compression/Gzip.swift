/// Reads gzip (RFC 1952), which is one member or several one after another.
public enum Gzip {
  /// Whether the bytes begin as gzip does.
  public static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  static let magic: [UInt8] = [0x1F, 0x8B]

  /// The content of all members, joined.
  ///
  /// Zero bytes behind the last member are padding and are passed over.
  /// - Parameters:
  ///   - bytes: the compressed bytes.
  ///   - maximumBytes: the longest content; a short file can stand for a very long one.
  /// - Throws: ``GzipError``; nothing of a damaged file is answered.
  /// - Complexity: O(n) of what is read and what comes out.
  public static func decompress(_ bytes: [UInt8], maximumBytes: Int) throws(GzipError) -> [UInt8] {
    guard isGzip(bytes) else { throw GzipError(.notGzip, at: 0) }
    var content: [UInt8] = []
    var start = 0
    repeat {
      var member = Inflation()
      start = try member.inflate(bytes, from: start, into: &content, maximumBytes: maximumBytes)
    } while bytes[start...].starts(with: magic)
    guard bytes[start...].allSatisfy({ $0 == 0 }) else { throw GzipError(.trailingContent, at: start) }
    return content
  }
}
