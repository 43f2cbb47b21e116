extension JSONValue {
  /// The canonical form of the value (RFC 8785): equal values have equal bytes, whoever writes them.
  ///
  /// - Complexity: O(n), and O(m log m) for the m members of an object that are not in order already.
  public func canonicalBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.usualLength)
    bytes.appendJSON(self)
    return bytes
  }

  /// The bytes to reserve for a document: most events fit, so that they are written without moving.
  private static let usualLength = 512

  /// The canonical form of the value (RFC 8785) as a string.
  public var canonicalText: String { String(decoding: canonicalBytes(), as: UTF8.self) }

  /// Appends the canonical form of the value (RFC 8785).
  public func appendCanonical(to bytes: inout [UInt8]) { bytes.appendJSON(self) }
}

extension [UInt8] {
  mutating func appendJSON(_ value: JSONValue) {
    switch value {
    case .null: append(contentsOf: "null".utf8)
    case .bool(let bool): append(contentsOf: (bool ? "true" : "false").utf8)
    case .integer(let integer): appendJSON(integer)
    case .number(let number): appendJSON(number)
    case .string(let string): appendJSON(string)
    case .array(let array): appendJSON(array)
    case .object(let object): appendJSON(object)
    }
  }

  private mutating func appendJSON(_ array: [JSONValue]) {
    append(UInt8(ascii: "["))
    var isFirst = true
    for element in array {
      if !isFirst { append(UInt8(ascii: ",")) }
      isFirst = false
      appendJSON(element)
    }
    append(UInt8(ascii: "]"))
  }

  private mutating func appendJSON(_ object: JSONObject) {
    append(UInt8(ascii: "{"))
    var isFirst = true
    for place in object.canonicalOrder {
      let member = object[place]
      if !isFirst { append(UInt8(ascii: ",")) }
      isFirst = false
      appendJSON(member.name)
      append(UInt8(ascii: ":"))
      appendJSON(member.value)
    }
    append(UInt8(ascii: "}"))
  }

  mutating func appendJSON(_ string: String) {
    append(UInt8(ascii: "\""))
    let start = count
    append(contentsOf: string.utf8)
    if Self.needsEscape(span.extracting(start...)) {
      removeSubrange(start...)
      for byte in string.utf8 { appendEscaped(byte) }
    }
    append(UInt8(ascii: "\""))
  }

  /// Whether a string holds a byte that RFC 8785 escapes; seldom so, and all of it is looked at without a way out, many
  /// bytes at a time.
  private static func needsEscape(_ utf8: Span<UInt8>) -> Bool {
    var found: UInt8 = 0
    for index in utf8.indices {
      let byte = utf8[index]
      found |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0)
    }
    return found != 0
  }

  /// Appends a byte of a string, escaped where RFC 8785 (section 3.2.2.2) says so and in its way.
  private mutating func appendEscaped(_ byte: UInt8) {
    switch byte {
    case 0x22: append(contentsOf: #"\""#.utf8)
    case 0x5C: append(contentsOf: #"\\"#.utf8)
    case 0x08: append(contentsOf: #"\b"#.utf8)
    case 0x09: append(contentsOf: #"\t"#.utf8)
    case 0x0A: append(contentsOf: #"\n"#.utf8)
    case 0x0C: append(contentsOf: #"\f"#.utf8)
    case 0x0D: append(contentsOf: #"\r"#.utf8)
    case 0..<0x20:
      append(contentsOf: (byte < 0x10 ? #"\u000"# : #"\u001"#).utf8)
      append(contentsOf: String(byte & 0x0F, radix: 16).utf8)
    default: append(byte)
    }
  }

  mutating func appendJSON(_ integer: Int64) {
    if integer.magnitude <= JSONValue.largestExactInteger.magnitude {
      if integer < 0 { append(UInt8(ascii: "-")) }
      appendDigits(integer.magnitude)
    } else {
      appendJSON(Double(integer))
    }
  }

  private mutating func appendDigits(_ number: UInt64) {
    if number >= 10 { appendDigits(number / 10) }
    append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
  }

  /// Appends a number as ECMAScript's Number::toString writes it, which RFC 8785 (section 3.2.2.3) prescribes.
  ///
  /// Swift finds the same shortest digits but sets the point and exponent differently, so only the digits are taken over.
  mutating func appendJSON(_ number: Double) {
    precondition(number.isFinite, "JSON has no NaN and no infinity")
    guard number != 0 else { return append(UInt8(ascii: "0")) }  // also for -0
    if number < 0 { append(UInt8(ascii: "-")) }
    let (digits, point) = Self.shortestDigits(of: number.magnitude)
    let zero = UInt8(ascii: "0")
    switch point {
    case digits.count...21:
      append(contentsOf: digits)
      append(contentsOf: repeatElement(zero, count: point - digits.count))
    case 1...21:
      append(contentsOf: digits[..<point])
      append(UInt8(ascii: "."))
      append(contentsOf: digits[point...])
    case -5...0:
      append(contentsOf: "0.".utf8)
      append(contentsOf: repeatElement(zero, count: -point))
      append(contentsOf: digits)
    default:
      append(digits[0])
      if digits.count > 1 {
        append(UInt8(ascii: "."))
        append(contentsOf: digits[1...])
      }
      append(contentsOf: (point > 0 ? "e+" : "e").utf8)
      append(contentsOf: (point - 1).description.utf8)
    }
  }

  /// The fewest digits that name the number, and the place of the decimal point counted from before the first of them.
  private static func shortestDigits(of number: Double) -> (digits: [UInt8], point: Int) {
    let halves = number.description.split(separator: "e")
    let exponent = halves.count > 1 ? Int(halves[1]) ?? 0 : 0
    var digits = Array(halves[0].utf8)
    var point = digits.count
    if let place = digits.firstIndex(of: UInt8(ascii: ".")) {
      digits.remove(at: place)
      point = place
    }
    let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(leadingZeros)
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return (digits, point + exponent - leadingZeros)
  }
}
