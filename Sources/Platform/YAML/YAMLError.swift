/// Why and where a text was refused as YAML; it never carries values of the text, only names of keys and anchors.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The reason, in lower case and without a full stop.
  public let message: String

  /// The line, counted from 1.
  public let line: Int

  /// The character in the line, counted from 1.
  public let column: Int

  /// Makes an error about a place, also for those who read the tree and find a node wrong.
  public init(_ message: String, line: Int, column: Int) {
    self.message = message
    self.line = line
    self.column = column
  }

  /// Makes an error about a node.
  public init(_ message: String, at node: YAMLNode) {
    self.init(message, line: node.line, column: node.column)
  }

  /// The place and the reason in one line.
  public var description: String { "line \(line), column \(column): \(message)" }
}

/// How much the reader accepts; everything beyond is a ``YAMLError``.
public struct YAMLLimits: Hashable, Sendable {
  /// The longest text in bytes.
  ///
  /// The default is 32 MiB: the desired state of a large organisation has some megabytes.
  public var bytes: Int

  /// The deepest nesting of sequences and mappings, aliases resolved.
  ///
  /// The default is 64.
  public var depth: Int

  /// The most nodes, aliases resolved, so that a short text of aliases to aliases cannot stand for billions of nodes.
  ///
  /// The default is two million.
  public var nodes: Int

  /// Makes limits; those left out have their default.
  ///
  /// - Precondition: `depth` lies in 1 to 512, since reading recurses.
  public init(bytes: Int = 32 << 20, depth: Int = 64, nodes: Int = 2_000_000) {
    precondition((1...512).contains(depth), "the depth limit lies in 1 to 512")
    self.bytes = bytes
    self.depth = depth
    self.nodes = nodes
  }

  /// The limits for what comes from outside.
  public static let standard = YAMLLimits()
}
