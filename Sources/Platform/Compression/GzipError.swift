/// Why bytes could not be read as gzip.
public struct GzipError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The bytes do not begin as gzip does.
    case notGzip
    /// The bytes end inside a member.
    case truncated
    /// A member is damaged: its data, its length or its check sum.
    case damaged
    /// Something follows the last member that is neither another nor padding.
    case trailingContent
    /// The content is longer than was allowed.
    case tooLong(maximumBytes: Int)
  }

  /// What is wrong.
  public let kind: Kind

  /// The compressed bytes before the place, counted from 0.
  public let byteOffset: Int

  init(_ kind: Kind, at byteOffset: Int) {
    self.kind = kind
    self.byteOffset = byteOffset
  }

  /// The reason and the place in one line.
  public var description: String {
    switch kind {
    case .notGzip: "the file is not gzip"
    case .truncated: "the file is cut off: it ends inside a gzip member, after \(byteOffset) bytes"
    case .damaged: "the gzip data are damaged near byte \(byteOffset)"
    case .trailingContent: "something follows the gzip data at byte \(byteOffset)"
    case .tooLong(let maximumBytes): "the content is longer than \(maximumBytes) bytes"
    }
  }
}
