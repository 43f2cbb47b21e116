/// A node of a YAML document, with the place where it begins.
///
/// Scalars are text and nothing else: a login `007`, `on` or `null` stays what was written, and the reader of a field decides
/// what it must be.
public struct YAMLNode: Hashable, Sendable {
  /// What a node holds.
  public enum Content: Hashable, Sendable {
    /// A text; `isPlain` where it stands without quotes and without a block sign.
    case scalar(String, isPlain: Bool)
    /// A list.
    case sequence([YAMLNode])
    /// Pairs in the order of the document; the keys are scalars and differ.
    case mapping([Pair])
  }

  /// A key and its value in a mapping.
  public struct Pair: Hashable, Sendable {
    /// The key, a scalar.
    public let key: YAMLNode
    /// The value.
    public let value: YAMLNode

    /// The text of the key.
    public var name: String { key.text ?? "" }
  }

  /// What the node holds.
  public let content: Content

  /// The tag written before the node, in full, such as `tag:yaml.org,2002:str` for `!!str`; nothing where there is none.
  public let tag: String?

  /// The line where the node begins, counted from 1; of an alias, the line of what it stands for.
  public let line: Int

  /// The character in the line where the node begins, counted from 1.
  public let column: Int

  /// The text of a scalar, or nothing where the node is of another kind.
  public var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// The elements of a sequence, or nothing where the node is of another kind.
  public var elements: [YAMLNode]? {
    if case .sequence(let elements) = content { elements } else { nil }
  }

  /// The pairs of a mapping, or nothing where the node is of another kind.
  public var pairs: [Pair]? {
    if case .mapping(let pairs) = content { pairs } else { nil }
  }

  /// The value of that key, or nothing where there is none or the node is no mapping.
  ///
  /// - Complexity: O(n); go through ``pairs`` to read a whole mapping.
  public subscript(key: String) -> YAMLNode? {
    pairs?.first { $0.name == key }?.value
  }

  /// Whether the node is a plain scalar that YAML's core schema reads as null: empty, `~`, `null`, `Null` or `NULL`.
  public var isPlainNull: Bool {
    guard case .scalar(let text, isPlain: true) = content, tag == nil else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The name of the kind with its article, for error messages: "a text", "a list", "a mapping".
  public var kindName: String {
    switch content {
    case .scalar: "a text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

extension YAMLNode {
  /// Reads the one document of a YAML text (YAML 1.1 as libyaml reads it), or answers nothing where there is none.
  ///
  /// Aliases are resolved. Refused are merge keys (`<<`), duplicate keys, keys that are not scalars, an alias to the node
  /// around it, U+0000, and a second document.
  ///
  /// - Parameters:
  ///   - bytes: the text in UTF-8.
  ///   - limits: how much is accepted. The default is ``YAMLLimits/standard``.
  /// - Throws: a ``YAMLError`` with the line and column.
  public init?(parsing bytes: [UInt8], limits: YAMLLimits = .standard) throws(YAMLError) {
    guard bytes.count <= limits.bytes else {
      throw YAMLError("the text is longer than \(limits.bytes) bytes", line: 1, column: 1)
    }
    var composer = Composer(events: EventReader(bytes), limits: limits)
    guard let root = try composer.document() else { return nil }
    self = root
  }

  /// Reads the one document of a YAML text, or answers nothing where there is none.
  public init?(parsing text: String, limits: YAMLLimits = .standard) throws(YAMLError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}
