import Postgres
import TestSupport
import Testing

/// Documents and attributes that are made to break what reads them: a judgement is an answer, never an error.
///
/// What cannot be read is open; so is what asks for an attribute that cannot be.
@Suite struct HostileConditionsTests {
  let connection: Connection

  init() throws { connection = try ScratchDatabase.connect() }

  /// What SQL makes of a condition; of attributes that are nil nothing is known.
  private func judge(_ condition: String, at: String? = "2024-07-03T22:30:00Z", identity: String? = "{}") throws -> String {
    let rows = try connection.query(
      """
      SELECT \(unsafe: ConditionsInSQLTests.word)(\(condition), \(at)::text::timestamptz, \(identity)::text::jsonb,
        '{"path": "org"}')]
      """)
    return try rows[0].string(0)
  }

  @Test(arguments: [
    "", " ", "null", "true", "7", "[]", "\"x\"", "{", "}", "{}}", "{\"a\"}", "{\"StringEquals\"}", "{\"Null\":{}}",
    "{\"Null\":[]}",
    "{\"Null\":{\"identity.x\":{}}}", "{\"Null\":{\"identity.x\":null}}", "{\"Null\":{\"identity.x\":[]}}", "{5:{5:5}}",
    "{\"Null\":{\"identity.x\":[[\"true\"]]}}", "{\"Null\":{\"identity.x\":[\"true\",]}}", "{\"Null\":{\"identity.x\":true,}}",
    "{\"Null\":{\"identity.x\":truefalse}}", "{\"Null\":{\"identity.x\":1.5}}", "{\"Null\":{\"identity.x\":1e400000}}",
    "{\"Null\":{\"identity.x\":-}}", "{\"Null\":{\"identity.x\":NaN}}", "\u{1}", "{\u{1}:{\u{1}:\u{1}}}", "\u{1}\u{2}",
    "{\"Null\":{\"identity.x\":\"true\"}} trailing", "{\"Null\" {\"identity.x\":\"true\"}}", "{'Null':{'identity.x':'true'}}",
    // NUL, a lone surrogate, an escape that is none, a control character as it is, an end in the middle of an escape.
    "{\"StringEquals\":{\"identity.x\":\"\\u0000\"}}", "{\"StringEquals\":{\"identity.\\u0000\":\"x\"}}",
    "{\"StringEquals\":{\"identity.x\":\"\\ud800\"}}", "{\"StringEquals\":{\"identity.x\":\"\\x\"}}",
    "{\"StringEquals\":{\"identity.x\":\"\n\"}}", "{\"StringEquals\":{\"identity.x\":\"\\",
  ])
  func `what is no condition is open`(_ condition: String) throws {
    #expect(try judge(condition) == "open")
    #expect(try judge(condition, identity: nil) == "open")
  }

  @Test(arguments: [
    (
      "IpAddress", "identity.x",
      [
        "10.0.0.0/33", "10.0.0.1/8", "256.0.0.1", "010.0.0.1", "1::2::3", "::1.2.3.4.5", "1:2:3:4:5:6:7:8:9", "::/129",
        "fe80::1%eth0",
        "10.0.0.0/99999999999999999999", "", "/",
      ]
    ),
    (
      "DateEquals", "identity.x",
      [
        "2024-02-30", "2023-02-29", "0000", "10000-01-01", "2024-13", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "now",
        "infinity",
        "2024-01-01T00:00:00", "9999-12-31T23:59:59-00:01", "99999999999999999999", "",
        "2024-05-01T09:30.5Z", "+12345",
      ]
    ),
    ("NumericEquals", "identity.x", ["1e3", "NaN", "Infinity", "1.", ".1", "--1", "+1", "", "0x1"]),
    ("BinaryEquals", "identity.x", ["a===", "====", "a b=", "AAAA=", "AA=A", "aGVsbG8", "aGVs bG8=", "_-8=", "AA==AAAA"]),
    ("ArnLike", "identity.x", ["arn:aws", "", "a:b:c:d:e", "a:b:c:d:${identity.x, ':::'}"]),
    (
      "StringEquals", "identity.x",
      ["${", "${identity.x", "${identity}", "${}", "${identity.x, y}", "${identity.x, '}", "${ identity.x}", "${aws:username}"]
    ),
    ("StringEquals", "", ["x"]), ("StringEquals", ".", ["x"]), ("StringEquals", "identity.", ["x"]), ("", "identity.x", ["x"]),
    ("StringEquals", "request.attribute.", ["x"]), ("StringEqualsIfExistsIfExists", "identity.x", ["x"]),
    ("ForAnyValue:ForAnyValue:StringEquals", "identity.x", ["x"]), ("NumericEquals", "time.hour@Europe/Atlantis", ["9"]),
    ("NumericEquals", "time.hour@europe/berlin", ["9"]), ("NumericEquals", "time.hour@CET", ["9"]),
    ("NumericEquals", "time.hour@Etc/Foo5", ["9"]), ("NumericEquals", "time.hour@posix/Europe/Berlin", ["9"]),
    ("NumericEquals", "time.hour@", ["9"]), ("NumericEquals", "time.hour@UTC@UTC", ["9"]),
    ("NumericEquals", "time.century", ["9"]),
  ])
  func `what an operator or a key cannot take is open`(_ operation: String, _ key: String, _ values: [String]) throws {
    for value in values {
      // Beside what does not hold and would settle it, if the document could be read.
      let condition = #"{"Null":{"identity.y":"false"},"\#(operation)":{"\#(key)":"\#(value)"}}"#
      #expect(try judge(condition) == "open", "\(value)")
    }
    #expect(try judge(#"{"Null":{"identity.y":"false"}}"#) == "no")
  }

  @Test func `depth and length are no matter`() throws {
    let deep = 200_000
    #expect(try judge(String(repeating: "[", count: deep)) == "open")
    #expect(try judge(String(repeating: "{\"a\":", count: deep)) == "open")
    #expect(try judge(String(repeating: "{\"a\":", count: deep) + "1" + String(repeating: "}", count: deep)) == "open")
    #expect(try judge(#"{"StringEquals":{"identity.x":"\#(String(repeating: "x", count: 10_000_000))"}}"#) == "open")
    // The most comparisons and values, and one more.
    func many(_ count: Int) -> String { (0..<count).map { #""identity.a\#($0)":"true""# }.joined(separator: ",") }
    #expect(try judge(#"{"Null":{\#(many(100))}}"#) == "yes")
    #expect(try judge(#"{"Null":{\#(many(101))}}"#) == "open")
    func values(_ count: Int) -> String { (0..<count).map(String.init).joined(separator: ",") }
    #expect(try judge(#"{"NumericEquals":{"identity.x":[\#(values(1_000))]}}"#, identity: #"{"x": 999}"#) == "yes")
    #expect(try judge(#"{"NumericEquals":{"identity.x":[\#(values(1_001))]}}"#, identity: #"{"x": 999}"#) == "open")
  }

  @Test func `patterns that make a matcher try everything end`() throws {
    let text = String(repeating: "a", count: 16_000)
    // As long as a value may be, with what stands around it; and one that is longer, which is not read.
    let pattern = String(repeating: "*a", count: 500)
    #expect(
      try judge(#"{"StringLike":{"identity.x":"\#(String(repeating: "*", count: 1_025))"}}"#, identity: #"{"x": "a"}"#)
        == "open")
    #expect(try judge(#"{"StringLike":{"identity.x":"\#(pattern)"}}"#, identity: #"{"x": "\#(text)"}"#) == "yes")
    #expect(try judge(#"{"StringLike":{"identity.x":"\#(pattern)b"}}"#, identity: #"{"x": "\#(text)"}"#) == "no")
    #expect(try judge(#"{"ArnLike":{"identity.x":"::::::\#(pattern)b"}}"#, identity: #"{"x": "::::::\#(text)"}"#) == "no")
    // What LIKE and regular expressions would read as more than themselves.
    for literal in ["%", "_", "\\\\", "^.$", "[a]", "(a|b)", "\\\\d", "a{2}"] {
      let condition = #"{"StringLike":{"identity.x":"\#(literal)"}}"#
      #expect(try judge(condition, identity: #"{"x": "\#(literal)"}"#) == "yes", "\(literal)")
      #expect(try judge(condition, identity: #"{"x": "aa"}"#) == "no", "\(literal)")
    }
  }

  @Test(arguments: [
    #"{"x": null}"#, #"{"x": []}"#, #"{}"#, "[]", "7", "null", #""x""#, #"["x"]"#,
  ])
  func `an attribute that is nothing is absent`(_ identity: String) throws {
    #expect(try judge(#"{"Null":{"identity.x":"true"}}"#, identity: identity) == "yes")
    #expect(try judge(#"{"NumericEquals":{"identity.x":"7"}}"#, identity: identity) == "no")
  }

  @Test(arguments: [
    "{}", #"{"sha256": "00"}"#, "1.5", "1e300", "1e-300", "[[]]", "[null]", "[{}]", #"[["7"]]"#, "9007199254740992",
  ])
  func `an attribute that is no value can be compared with none`(_ value: String) throws {
    for operation in [
      "StringEquals", "StringNotLike", "NumericEquals", "DateEquals", "IpAddress", "ArnLike", "BinaryEquals", "Bool",
    ] {
      let operand = ["DateEquals": "2024", "IpAddress": "::1", "ArnLike": ":::::", "BinaryEquals": "", "Bool": "true"]
      let condition = #"{"\#(operation)":{"identity.x":"\#(operand[operation] ?? "7")"}}"#
      #expect(try judge(condition, identity: #"{"x": \#(value)}"#) == "open", "\(operation)")
    }
    #expect(try judge(#"{"Null":{"identity.x":"false"}}"#, identity: #"{"x": \#(value)}"#) == "yes")
  }

  @Test func `enormous numbers are compared or are none`() throws {
    let digits = String(repeating: "9", count: 100)
    func number(_ x: String, _ operand: String) throws -> String {
      try judge(#"{"NumericGreaterThan":{"identity.x":"\#(operand)"}}"#, identity: #"{"x": "\#(x)"}"#)
    }
    #expect(try number(digits, "1") == "yes")
    #expect(try number("-" + digits, "1") == "no")
    #expect(try number(digits + "9", "1") == "open")
    #expect(try number(String(repeating: "9", count: 200_000), "1") == "open")
    #expect(try number("0." + String(repeating: "0", count: 200_000), "1") == "open")
    let zeros = String(repeating: "0", count: 200_000)
    #expect(try judge(#"{"DateEquals":{"identity.x":"7"}}"#, identity: #"{"x": "\#(zeros)7"}"#) == "yes")
    #expect(try judge(#"{"DateEquals":{"identity.x":"7"}}"#, identity: #"{"x": "\#(zeros)7777777777777"}"#) == "open")
  }

  @Test(arguments: [
    "infinity", "-infinity", "294276-12-31 23:59:59.999999+00", "4713-01-01 00:00:00+00 BC", "10000-01-01 00:00+00",
  ])
  func `the time of a moment beyond the calendar is open`(_ at: String) throws {
    for zone in ["", "@Pacific/Kiritimati", "@America/New_York"] {
      #expect(try judge(#"{"NumericLessThan":{"time.hour\#(zone)":"0"}}"#, at: at) == "open", "\(zone)")
      #expect(try judge(#"{"NumericLessThan":{"time.hour\#(zone)":"0"}}"#, at: "9999-12-31 23:59:59+00") == "no", "\(zone)")
      #expect(try judge(#"{"NumericLessThan":{"time.hour\#(zone)":"0"}}"#, at: "0001-01-01 00:00:00+00") == "no", "\(zone)")
    }
  }
}
