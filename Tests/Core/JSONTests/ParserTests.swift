import JSON
import TestSupport
import Testing

@Suite struct ParserTests {
  /// Valid JSON that we refuse on purpose: PostgreSQL's text has no U+0000, and a name that appears twice is ambiguous.
  static let refusedOnPurpose: Set<String> = [
    "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json", "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
  ]
  static let relaxed = JSONLimits(
    depth: JSONLimits.greatestDepth, allowsNUL: true, allowsDuplicateNames: true, allowsInexactIntegers: true)

  @Test func `the JSON parsing test suite is obeyed`() {
    for (name, bytes) in SharedVectors.files(in: "json-nst/test_parsing") {
      let strict = try? JSONValue(parsing: bytes)
      let relaxed = try? JSONValue(parsing: bytes, limits: Self.relaxed)
      switch name.prefix(2) {
      case "y_":
        #expect((strict != nil) == !Self.refusedOnPurpose.contains(name), "\(name)")
        #expect(relaxed != nil, "\(name)")
      case "n_":
        #expect(strict == nil, "\(name)")
        #expect(relaxed == nil, "\(name)")
      default: break  // i_ is left to the reader; not crashing is the test
      }
      if let relaxed { #expect(throws: Never.self) { try JSONValue(parsing: relaxed.canonicalBytes(), limits: Self.relaxed) } }
    }
    for (name, bytes) in SharedVectors.files(in: "json-nst/test_transform") {
      if let value = try? JSONValue(parsing: bytes, limits: Self.relaxed) {
        let again = try? JSONValue(parsing: value.canonicalBytes(), limits: Self.relaxed)
        #expect(again?.canonicalBytes() == value.canonicalBytes(), "\(name)")
      }
    }
  }

  static let values: [(text: String, value: JSONValue)] = [
    ("null", nil), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("-0.0", 0), ("1.0", 1), ("1e2", 100),
    ("-12", -12), ("10000000000000000", .number(1e16)), ("1e16", .number(1e16)),
    ("-295147905179352830000", .number(-2.9514790517935283e20)), ("0.5", 0.5), ("1E+2", 100), ("12e-1", 1.2),
    ("9007199254740991", 9_007_199_254_740_991), ("\"\"", ""), (#""\u00e9\ud83d\ude00\/\b\f\n\r\t""#, "é😀/\u{8}\u{C}\n\r\t"),
    ("[]", []), ("[1,[2],{}]", [1, [2], [:]]), (#"{"b":1,"a":{"c":null}}"#, ["b": 1, "a": ["c": nil]]),
  ]

  @Test(arguments: values) func `a value is read`(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  static let errors: [(text: String, kind: JSONError.Kind, offset: Int, line: Int, column: Int, pointer: String)] = [
    ("", .unexpectedEnd, 0, 1, 1, ""),
    ("{", .unexpectedEnd, 1, 1, 2, ""),
    ("\u{FEFF}1", .byteOrderMark, 0, 1, 1, ""),
    ("1 2", .trailingContent, 2, 1, 3, ""),
    ("{\"a\": 1,\n \"a\": 2}", .duplicateName, 10, 2, 2, "/a"),
    ("[1, {\"a/b\": [0, 01]}]", .invalidNumber, 18, 1, 19, "/1/a~1b/1"),
    ("[1,]", .unexpected(expected: "a value"), 3, 1, 4, "/1"),
    ("{\"é\": tru}", .unexpected(expected: "a value"), 10, 1, 10, "/é"),
    ("{a:1}", .unexpected(expected: "a name in quotes"), 1, 1, 2, ""),
    ("[1 2]", .unexpected(expected: "a comma or the end of the array"), 3, 1, 4, ""),
    ("{\"a\" 1}", .unexpected(expected: "a colon"), 5, 1, 6, ""),
    (#"{"~": "\ud800"}"#, .loneSurrogate, 7, 1, 8, "/~0"),
    (#"["\ud800\u0041"]"#, .loneSurrogate, 2, 1, 3, "/0"),
    (#"["\udc00"]"#, .loneSurrogate, 2, 1, 3, "/0"),
    (#"["\u0000"]"#, .nulCharacter, 2, 1, 3, "/0"),
    (#"["\x"]"#, .invalidEscape, 2, 1, 3, "/0"),
    ("[\"\u{0}\"]", .controlCharacter, 2, 1, 3, "/0"),
    ("[9007199254740993]", .numberOutOfRange, 1, 1, 2, "/0"),
    ("[-9223372036854775809]", .numberOutOfRange, 1, 1, 2, "/0"),
    ("[1e999]", .numberOutOfRange, 1, 1, 2, "/0"),
    ("[.5]", .unexpected(expected: "a value"), 1, 1, 2, "/0"),
  ]

  @Test(arguments: errors) func `an error names the reason and the place`(
    text: String, kind: JSONError.Kind, offset: Int, line: Int, column: Int, pointer: String
  ) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.kind == kind)
    #expect(error.byteOffset == offset)
    #expect(error.line == line)
    #expect(error.column == column)
    #expect(error.pointer == pointer)
  }

  static let invalidUTF8: [[UInt8]] = [
    [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82], [0xFF], [0xC3, 0x5C, 0x6E],
  ]

  @Test(arguments: invalidUTF8) func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: [0x5B, 0x22] + bytes + [0x22, 0x5D]) }
    #expect(error.kind == .invalidUTF8)
    #expect(error.pointer == "/0")
  }

  @Test func `depth and length are limited`() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
    let tooDeep = try #require(throws: JSONError.self) { try JSONValue(parsing: nested(65)) }
    #expect(tooDeep.kind == .tooDeep(maximumDepth: 64))
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000)) }
    let deepest = JSONLimits(depth: JSONLimits.greatestDepth)
    #expect(try JSONValue(parsing: nested(deepest.depth), limits: deepest).canonicalText == nested(deepest.depth))
    let tooLong = try #require(throws: JSONError.self) { try JSONValue(parsing: "[1,2]", limits: JSONLimits(bytes: 4)) }
    #expect(tooLong.kind == .tooLong(maximumBytes: 4))
    #expect(try JSONValue(parsing: "[1,2]", limits: JSONLimits(bytes: 5)) == [1, 2])
  }

  @Test func `what is relaxed is read`() throws {
    #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#, limits: Self.relaxed) == ["a": 2])
    #expect(try JSONValue(parsing: #""\u0000""#, limits: Self.relaxed) == "\u{0}")
    #expect(try JSONValue(parsing: "-9223372036854775808", limits: Self.relaxed) == .integer(.min))
    #expect(try JSONValue(parsing: "9223372036854775808", limits: Self.relaxed) == .number(9_223_372_036_854_775_808))
  }
}
