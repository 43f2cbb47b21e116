/// How much and what the reader accepts; everything beyond is a ``JSONError``.
public struct JSONLimits: Hashable, Sendable {
  /// The deepest nesting of arrays and objects.
  ///
  /// The default is 64, far beyond any document of ours.
  public var depth: Int

  /// The longest text in bytes.
  ///
  /// The default is 16 MiB, so that one request cannot fill the memory.
  public var bytes: Int

  /// Whether strings may hold U+0000.
  ///
  /// The default is false: PostgreSQL's text cannot.
  public var allowsNUL: Bool

  /// Whether the last of several members of one name wins.
  ///
  /// The default is false: two readers could understand two things.
  public var allowsDuplicateNames: Bool

  /// Whether integers are read that RFC 8785 would write with other digits, because it knows numbers as doubles only.
  ///
  /// The default is false. Where it is true, ``JSONValue/integer(_:)`` holds all 64 bits.
  public var allowsInexactIntegers: Bool

  /// The greatest ``depth`` that can be asked for: reading and writing recurse, and a thread's stack is finite.
  public static let greatestDepth = 512

  /// Makes limits; those left out have their default.
  ///
  /// - Precondition: `depth` lies in 1 to ``greatestDepth``.
  public init(
    depth: Int = 64, bytes: Int = 16 << 20, allowsNUL: Bool = false, allowsDuplicateNames: Bool = false,
    allowsInexactIntegers: Bool = false
  ) {
    precondition((1...Self.greatestDepth).contains(depth), "the depth limit lies in 1 to \(Self.greatestDepth)")
    self.depth = depth
    self.bytes = bytes
    self.allowsNUL = allowsNUL
    self.allowsDuplicateNames = allowsDuplicateNames
    self.allowsInexactIntegers = allowsInexactIntegers
  }

  /// The limits for what comes from outside.
  public static let standard = JSONLimits()
}
