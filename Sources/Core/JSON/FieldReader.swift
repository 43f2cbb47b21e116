/// Why a field of a JSON document was refused; it names the field and never carries its value.
public struct JSONFieldError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The field as a JSON pointer (RFC 6901); empty for the whole document.
  public let pointer: String

  /// The rest of a sentence that begins with the field: "is missing", "must be a string".
  public let problem: String

  /// Makes an error about the field that a pointer names.
  ///
  /// - Parameters:
  ///   - pointer: the field as a JSON pointer.
  ///   - problem: the rest of a sentence that begins with the field, in lower case and without a full stop.
  public init(pointer: String, problem: String) {
    self.pointer = pointer
    self.problem = problem
  }

  /// The whole sentence: `/items/2/name must be a string`.
  public var description: String { "\(pointer.isEmpty ? "the document" : pointer) \(problem)" }
}

/// Takes the fields out of a JSON object one by one, and refuses those that nobody asked for.
///
/// ```swift
/// var fields = try FieldReader(body)
/// let name = try fields.string("name")
/// let note = try fields.optionalString("note")
/// try fields.finish()
/// ```
/// An optional field that is `null` is absent.
public struct FieldReader: Sendable {
  /// The longest string in UTF-8 bytes where the caller says nothing: ample for a name, a reason or a link.
  public static let defaultMaximumBytes = 4096

  /// The most elements in an array where the caller says nothing.
  public static let defaultMaximumCount = 10_000

  /// Fields to make room for at once: as many as most objects are asked for.
  private static let usualCount = 8

  /// The object that the fields are taken from, as a JSON pointer.
  public let pointer: String

  private let object: JSONObject
  private var asked: [String] = []

  /// Reads from a value that must be an object.
  ///
  /// - Parameters:
  ///   - value: the object.
  ///   - pointer: where the value stands in the document. The default is the document itself.
  public init(_ value: JSONValue, at pointer: String = JSONPointer.root) throws(JSONFieldError) {
    guard case .object(let object) = value else {
      throw JSONFieldError(pointer: pointer, problem: "must be an object")
    }
    self.init(object: object, at: pointer)
  }

  /// Reads from an object.
  public init(object: JSONObject, at pointer: String = JSONPointer.root) {
    self.object = object
    self.pointer = pointer
    asked.reserveCapacity(Self.usualCount)
  }

  /// The pointer to the field of that name, whether it is there or not.
  public func pointer(to name: String) -> String { JSONPointer.child(name, of: pointer) }

  /// The error that says so about the field of that name.
  public func error(_ name: String, _ problem: String) -> JSONFieldError {
    JSONFieldError(pointer: pointer(to: name), problem: problem)
  }

  /// Refuses the first field that was not asked for.
  public func finish() throws(JSONFieldError) {
    for member in object where !asked.contains(where: { $0.hasSameBytes(as: member.name) }) {
      throw error(member.name, "is not a known field")
    }
  }

  // MARK: Any value

  /// The value of a field of any kind, `null` too where it is written out.
  public mutating func value(_ name: String) throws(JSONFieldError) -> JSONValue {
    asked.append(name)
    guard let value = object[name] else { throw error(name, "is missing") }
    return value
  }

  /// The value of a field of any kind, or nothing where it is absent or `null`.
  public mutating func optionalValue(_ name: String) -> JSONValue? {
    asked.append(name)
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  private mutating func require<Kind>(_ name: String, _ value: Kind?) throws(JSONFieldError) -> Kind {
    guard let value else { throw error(name, "is missing") }
    return value
  }

  /// The field as one kind, or nothing where it is absent or `null`.
  private mutating func optional<Kind>(
    _ name: String, _ kind: String, _ convert: (JSONValue) -> Kind?
  ) throws(JSONFieldError) -> Kind? {
    guard let value = optionalValue(name) else { return nil }
    guard let converted = convert(value) else { throw error(name, "must be \(kind)") }
    return converted
  }

  // MARK: Strings

  /// The string of a field.
  ///
  /// - Parameters:
  ///   - name: the field.
  ///   - maximumBytes: the longest accepted text in UTF-8 bytes. The default is ``defaultMaximumBytes``.
  public mutating func string(
    _ name: String, maximumBytes: Int = defaultMaximumBytes
  ) throws(JSONFieldError) -> String {
    try require(name, optionalString(name, maximumBytes: maximumBytes))
  }

  /// The string of a field, or nothing where it is absent or `null`.
  public mutating func optionalString(
    _ name: String, maximumBytes: Int = defaultMaximumBytes
  ) throws(JSONFieldError) -> String? {
    let string = try optional(name, "a string", \.stringValue)
    if let string, string.utf8.count > maximumBytes { throw error(name, "is longer than \(maximumBytes) bytes") }
    return string
  }

  /// The strings of a field that holds an array of them.
  ///
  /// - Parameters:
  ///   - name: the field.
  ///   - maximumCount: the most strings. The default is ``defaultMaximumCount``.
  ///   - maximumBytes: the longest accepted text in UTF-8 bytes. The default is ``defaultMaximumBytes``.
  public mutating func strings(
    _ name: String, maximumCount: Int = defaultMaximumCount, maximumBytes: Int = defaultMaximumBytes
  ) throws(JSONFieldError) -> [String] {
    try require(name, optionalStrings(name, maximumCount: maximumCount, maximumBytes: maximumBytes))
  }

  /// The strings of a field that holds an array of them, or nothing where it is absent or `null`.
  public mutating func optionalStrings(
    _ name: String, maximumCount: Int = defaultMaximumCount, maximumBytes: Int = defaultMaximumBytes
  ) throws(JSONFieldError) -> [String]? {
    guard let array = try optionalArray(name, maximumCount: maximumCount) else { return nil }
    var strings: [String] = []
    strings.reserveCapacity(array.count)
    for (place, element) in array.enumerated() {
      let elementPointer = JSONPointer.child(place, of: pointer(to: name))
      guard let string = element.stringValue else {
        throw JSONFieldError(pointer: elementPointer, problem: "must be a string")
      }
      guard string.utf8.count <= maximumBytes else {
        throw JSONFieldError(pointer: elementPointer, problem: "is longer than \(maximumBytes) bytes")
      }
      strings.append(string)
    }
    return strings
  }

  // MARK: Other kinds

  /// The integer of a field.
  public mutating func integer(_ name: String) throws(JSONFieldError) -> Int64 {
    try require(name, optionalInteger(name))
  }

  /// The integer of a field, or nothing where it is absent or `null`.
  public mutating func optionalInteger(_ name: String) throws(JSONFieldError) -> Int64? {
    try optional(name, "an integer", \.integerValue)
  }

  /// The bool of a field.
  public mutating func bool(_ name: String) throws(JSONFieldError) -> Bool {
    try require(name, optionalBool(name))
  }

  /// The bool of a field, or nothing where it is absent or `null`.
  public mutating func optionalBool(_ name: String) throws(JSONFieldError) -> Bool? {
    try optional(name, "true or false", \.boolValue)
  }

  /// A reader for the object of a field.
  public mutating func object(_ name: String) throws(JSONFieldError) -> FieldReader {
    try require(name, optionalObject(name))
  }

  /// A reader for the object of a field, or nothing where it is absent or `null`.
  public mutating func optionalObject(_ name: String) throws(JSONFieldError) -> FieldReader? {
    try optional(name, "an object", \.objectValue).map { FieldReader(object: $0, at: pointer(to: name)) }
  }

  /// The elements of a field that holds an array.
  ///
  /// - Parameters:
  ///   - name: the field.
  ///   - maximumCount: the most elements. The default is ``defaultMaximumCount``.
  public mutating func array(
    _ name: String, maximumCount: Int = defaultMaximumCount
  ) throws(JSONFieldError) -> [JSONValue] {
    try require(name, optionalArray(name, maximumCount: maximumCount))
  }

  /// The elements of a field that holds an array, or nothing where it is absent or `null`.
  public mutating func optionalArray(
    _ name: String, maximumCount: Int = defaultMaximumCount
  ) throws(JSONFieldError) -> [JSONValue]? {
    let array = try optional(name, "an array", \.arrayValue)
    if let array, array.count > maximumCount { throw error(name, "has more than \(maximumCount) elements") }
    return array
  }
}
