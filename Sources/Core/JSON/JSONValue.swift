/// A JSON value (RFC 8259).
///
/// Equality is exact: strings are equal if their bytes are (Swift's own comparison takes canonically equivalent Unicode for
/// equal, which would make two different documents one), and objects are equal whatever the order of their members.
public enum JSONValue: Hashable, Sendable {
  /// The value `null`.
  case null
  /// The value `true` or `false`.
  case bool(Bool)
  /// A number without a fraction, however it was written: `1`, `1.0` and `1e0` are the same value.
  ///
  /// The reader makes one of numbers up to ``largestExactInteger`` only, unless it was told otherwise.
  case integer(Int64)
  /// Any other number; never NaN or infinite, which JSON does not have.
  case number(Double)
  /// A string of Unicode scalars.
  case string(String)
  /// A list of values.
  case array([JSONValue])
  /// Named values.
  case object(JSONObject)

  /// The integers up to this size, in both directions, survive every JSON implementation (RFC 7493, section 2.2): 2^53 - 1.
  public static let largestExactInteger: Int64 = 9_007_199_254_740_991

  /// Makes a number, as an integer where it is one up to ``largestExactInteger``.
  ///
  /// - Precondition: the number is finite.
  public init(_ number: Double) {
    precondition(number.isFinite, "JSON has no NaN and no infinity")
    // Not Int64(exactly:), which calls the C mathematics library and would have to be linked with it.
    if number.magnitude <= Double(Self.largestExactInteger), Double(Int64(number)) == number {
      self = .integer(Int64(number))
    } else {
      self = .number(number)
    }
  }

  /// Whether two values are the same, byte for byte in their strings.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    default: false
    }
  }

  /// Feeds the value to the hasher.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let bool): hasher.combine(bool)
    case .integer(let integer): hasher.combine(integer)
    case .number(let number): hasher.combine(number)
    case .string(let string): hasher.combine(string)  // equal bytes give equal hashes
    case .array(let array): hasher.combine(array)
    case .object(let object): hasher.combine(object)
    }
  }
}

// MARK: Looking inside

extension JSONValue {
  /// Whether the value is `null`.
  public var isNull: Bool { self == .null }

  /// The bool, or nothing where the value is of another kind.
  public var boolValue: Bool? {
    if case .bool(let bool) = self { bool } else { nil }
  }

  /// The integer, or nothing where the value is of another kind.
  public var integerValue: Int64? {
    if case .integer(let integer) = self { integer } else { nil }
  }

  /// The string, or nothing where the value is of another kind.
  public var stringValue: String? {
    if case .string(let string) = self { string } else { nil }
  }

  /// The elements, or nothing where the value is of another kind.
  public var arrayValue: [JSONValue]? {
    if case .array(let array) = self { array } else { nil }
  }

  /// The object, or nothing where the value is of another kind.
  public var objectValue: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The member of that name, or nothing where there is none or the value is no object.
  public subscript(name: String) -> JSONValue? { objectValue?[name] }

  /// The element at that place, or nothing where there is none or the value is no array.
  public subscript(index: Int) -> JSONValue? {
    guard let array = arrayValue, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// The name of the kind with its article, for error messages: "a string", "an object".
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// MARK: Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Makes `null`.
  public init(nilLiteral: ()) { self = .null }

  /// Makes a bool.
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  /// Makes an integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }

  /// Makes a number, as an integer where it is one.
  public init(floatLiteral value: Double) { self.init(value) }

  /// Makes a string.
  public init(stringLiteral value: String) { self = .string(value) }

  /// Makes an array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// Makes an object.
  ///
  /// - Precondition: the names differ.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension String {
  /// Whether the UTF-8 of both is the same; `==` would take canonically equivalent texts for equal.
  func hasSameBytes(as other: String) -> Bool {
    guard self == other else { return false }
    let (left, right) = (utf8Span, other.utf8Span)
    // What is equal and ASCII is equal byte by byte.
    if left.isKnownASCII, right.isKnownASCII { return true }
    guard left.count == right.count else { return false }
    for index in left.span.indices where left.span[index] != right.span[index] { return false }
    return true
  }

  /// Whether this precedes the other in the order of their UTF-16 code units, which RFC 8785 sorts names by.
  ///
  /// UTF-8 sorts the same, except that characters beyond U+FFFF (first byte F0 or more) come before U+E000 to U+FFFF (first
  /// byte EE or EF), because UTF-16 writes them with surrogates from D800.
  public func precedesInUTF16(_ other: String) -> Bool {
    let (left, right) = (utf8Span.span, other.utf8Span.span)
    for index in 0..<Swift.min(left.count, right.count) where left[index] != right[index] {
      let (mine, theirs) = (left[index], right[index])
      if mine >= 0xEE, theirs >= 0xEE, (mine >= 0xF0) != (theirs >= 0xF0) { return mine >= 0xF0 }
      return mine < theirs
    }
    return left.count < right.count
  }
}
