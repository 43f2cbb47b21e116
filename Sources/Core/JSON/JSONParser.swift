extension JSONValue {
  /// Reads one JSON document (RFC 8259), strictly.
  ///
  /// - Parameters:
  ///   - bytes: the document in UTF-8 without a byte order mark.
  ///   - limits: what is accepted. The default is ``JSONLimits/standard``.
  /// - Throws: a ``JSONError`` that names the reason and the place.
  /// - Complexity: O(n).
  public init(parsing bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) {
    var parser = JSONParser(bytes: bytes, limits: limits)
    self = try parser.document()
  }

  /// Reads one JSON document from a text.
  public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}

/// A recursive-descent reader: one method for each rule of the grammar, each of which starts at `index` and ends behind what
/// it read.
struct JSONParser {
  let bytes: [UInt8]
  let limits: JSONLimits
  var index = 0

  init(bytes: [UInt8], limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func document() throws(JSONError) -> JSONValue {
    guard bytes.count <= limits.bytes else { throw failure(.tooLong(maximumBytes: limits.bytes)) }
    guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { throw failure(.byteOrderMark) }
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw failure(.trailingContent) }
    return value
  }

  func failure(_ kind: JSONError.Kind) -> JSONError { JSONError(kind, at: index, in: bytes) }

  /// The error for a byte that cannot stand here, or for its absence.
  func unexpected(_ expected: String) -> JSONError {
    failure(index < bytes.count ? .unexpected(expected: expected) : .unexpectedEnd)
  }

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return
      }
    }
  }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    guard index < bytes.count else { throw failure(.unexpectedEnd) }
    switch bytes[index] {
    case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw unexpected("a value")
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for scalar in word.description.unicodeScalars {
      guard accept(scalar) else { throw unexpected("a value") }
    }
    return value
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
    guard depth <= limits.depth else { throw failure(.tooDeep(maximumDepth: limits.depth)) }
    index += 1
    var elements: [JSONValue] = []
    skipSpace()
    if accept("]") { return elements }
    while true {
      do {
        elements.append(try value(depth: depth))
      } catch {
        throw error.inside(String(elements.count))
      }
      skipSpace()
      if accept("]") { return elements }
      guard accept(",") else { throw unexpected("a comma or the end of the array") }
      skipSpace()
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    guard depth <= limits.depth else { throw failure(.tooDeep(maximumDepth: limits.depth)) }
    index += 1
    var object = JSONObject()
    skipSpace()
    if accept("}") { return object }
    while true {
      try member(of: &object, depth: depth)
      skipSpace()
      if accept("}") { return object }
      guard accept(",") else { throw unexpected("a comma or the end of the object") }
      skipSpace()
    }
  }

  private mutating func member(of object: inout JSONObject, depth: Int) throws(JSONError) {
    guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
    let start = index
    let name = try string()
    skipSpace()
    guard accept(":") else { throw unexpected("a colon") }
    skipSpace()
    let value: JSONValue
    do {
      value = try self.value(depth: depth)
    } catch {
      throw error.inside(name)
    }
    guard object.append(name, value) else {
      guard limits.allowsDuplicateNames else {
        throw JSONError(.duplicateName, at: start, in: bytes).inside(name)
      }
      object[name] = value
      return
    }
  }
}

// MARK: Numbers

extension JSONParser {
  private mutating func number() throws(JSONError) -> JSONValue {
    let start = index
    let isNegative = accept("-")
    let firstDigit = index
    try digits()
    guard index - firstDigit == 1 || bytes[firstDigit] != UInt8(ascii: "0") else { throw failure(.invalidNumber) }
    var isInteger = true
    if accept(".") {
      isInteger = false
      try digits()
    }
    if accept("e") || accept("E") {
      isInteger = false
      if !accept("+") { _ = accept("-") }
      try digits()
    }
    if isInteger, let integer = integer(bytes[firstDigit..<index], isNegative: isNegative) {
      let isExact = integer.magnitude <= JSONValue.largestExactInteger.magnitude
      if isExact || limits.allowsInexactIntegers { return .integer(integer) }
    }
    // The grammar was checked above, so that only a number beyond a double's range can fail here.
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if let number = Double(text), number.isFinite {
      let value = JSONValue(number)
      if !isInteger || limits.allowsInexactIntegers || value.canonicalText == text { return value }
    }
    throw JSONError(.numberOutOfRange, at: start, in: bytes)
  }

  private mutating func digits() throws(JSONError) {
    let start = index
    while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
    guard index > start else { throw failure(index < bytes.count ? .invalidNumber : .unexpectedEnd) }
  }

  /// The integer of these digits, or nothing where it does not fit.
  private func integer(_ digits: ArraySlice<UInt8>, isNegative: Bool) -> Int64? {
    var value: Int64 = 0
    for digit in digits {
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let addend = Int64(digit - UInt8(ascii: "0"))
      let (sum, alsoOverflowed) = product.addingReportingOverflow(isNegative ? -addend : addend)
      if overflowed || alsoOverflowed { return nil }
      value = sum
    }
    return value
  }
}

// MARK: Strings

extension JSONParser {
  private mutating func string() throws(JSONError) -> String {
    index += 1
    let start = index
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        defer { index += 1 }
        return try text(bytes.span.extracting(start..<index), startingAt: start)
      case UInt8(ascii: "\\"):
        return try stringWithEscapes(startingAt: start)
      case 0..<0x20:
        throw failure(.controlCharacter)
      default:
        index += 1
      }
    }
    throw failure(.unexpectedEnd)
  }

  /// The rest of a string from its first escape on, with the plain bytes before it.
  private mutating func stringWithEscapes(startingAt start: Int) throws(JSONError) -> String {
    var decoded = Array(bytes[start..<index])
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        defer { index += 1 }
        return try text(decoded.span, startingAt: start)
      case UInt8(ascii: "\\"):
        try escape(into: &decoded)
      case 0..<0x20:
        throw failure(.controlCharacter)
      default:
        decoded.append(bytes[index])
        index += 1
      }
    }
    throw failure(.unexpectedEnd)
  }

  private func text(_ utf8: Span<UInt8>, startingAt start: Int) throws(JSONError) -> String {
    do {
      return String(copying: try UTF8Span(validating: utf8))
    } catch {
      throw JSONError(.invalidUTF8, at: start, in: bytes)
    }
  }

  private mutating func escape(into decoded: inout [UInt8]) throws(JSONError) {
    let start = index
    index += 1
    guard index < bytes.count else { throw failure(.unexpectedEnd) }
    let letter = bytes[index]
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "u"): try unicodeEscape(startingAt: start, into: &decoded)
    default: throw JSONError(.invalidEscape, at: start, in: bytes)
    }
  }

  private mutating func unicodeEscape(startingAt start: Int, into decoded: inout [UInt8]) throws(JSONError) {
    var code = try hexadecimalUnit()
    if (0xD800..<0xDC00).contains(code), accept("\\"), accept("u") {
      let low = try hexadecimalUnit()
      guard (0xDC00..<0xE000).contains(low) else { throw JSONError(.loneSurrogate, at: start, in: bytes) }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard code != 0 || limits.allowsNUL else { throw JSONError(.nulCharacter, at: start, in: bytes) }
    // Only surrogates are no scalars.
    guard let scalar = Unicode.Scalar(code) else { throw JSONError(.loneSurrogate, at: start, in: bytes) }
    decoded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  private mutating func hexadecimalUnit() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard index < bytes.count else { throw failure(.unexpectedEnd) }
      guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else { throw failure(.invalidEscape) }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }
}
