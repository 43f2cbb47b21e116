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
    var unpacking = GzipUnpacking(maximumBytes: maximumBytes)
    let content = try unpacking.unpack(bytes)
    try unpacking.finish()
    return content
  }
}

/// Reads gzip that comes piece by piece, so that a file need not be in memory at once, packed or unpacked.
public struct GzipUnpacking: ~Copyable {
  private let maximumBytes: Int
  /// The member that is being read, or was read last.
  private var member = Inflation()
  private var isInside = false
  /// Bytes of the beginning of a member that came so far, while it is not certain that it is one.
  private var beginning: [UInt8] = []
  private var hasMembers = false
  private var isPadding = false
  private var (read, written) = (0, 0)

  /// Begins with nothing.
  ///
  /// - Parameter maximumBytes: the longest content; a short file can stand for a very long one.
  public init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  /// The content of a further piece; about a thousand times as long as the piece at most.
  ///
  /// - Throws: ``GzipError``, after which nothing more may be unpacked.
  public mutating func unpack(_ piece: [UInt8]) throws(GzipError) -> [UInt8] {
    var content: [UInt8] = []
    var place = 0
    while place < piece.count {
      if isInside {
        place = try inflate(piece, from: place, into: &content)
      } else {
        try take(piece[place])
        place += 1
        read += 1
      }
    }
    return content
  }

  /// Says that all was unpacked.
  ///
  /// - Throws: ``GzipError`` where a member is cut off, or there is none.
  public mutating func finish() throws(GzipError) {
    guard hasMembers else { throw GzipError(.notGzip, at: 0) }
    if isInside { throw GzipError(.truncated, at: read) }
    if !beginning.isEmpty { throw GzipError(.trailingContent, at: read - beginning.count) }
  }

  /// Takes a byte between members: the beginning of another, or padding.
  private mutating func take(_ byte: UInt8) throws(GzipError) {
    if byte == 0, beginning.isEmpty, hasMembers {
      isPadding = true
      return
    }
    let isNext = !isPadding && byte == Gzip.magic[beginning.count]
    guard isNext else { throw GzipError(hasMembers ? .trailingContent : .notGzip, at: read - beginning.count) }
    beginning.append(byte)
    guard beginning.count == Gzip.magic.count else { return }
    member = Inflation()
    (isInside, hasMembers) = (true, true)
    var nothing: [UInt8] = []
    _ = try member.inflate(beginning, from: 0, into: &nothing, most: 0, at: read + 1 - beginning.count)
    beginning = []
  }

  private mutating func inflate(_ piece: [UInt8], from place: Int, into content: inout [UInt8]) throws(GzipError) -> Int {
    let before = content.count
    let most = before + maximumBytes - written
    let end: Int
    do throws(GzipError) {
      let outcome = try member.inflate(piece, from: place, into: &content, most: most, at: read)
      (end, isInside) = (outcome.end, !outcome.isOver)
    } catch {
      if case .tooLong = error.kind { throw GzipError(.tooLong(maximumBytes: maximumBytes), at: error.byteOffset) }
      throw error
    }
    written += content.count - before
    read += end - place
    return end
  }
}
