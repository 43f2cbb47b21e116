import JSON
import TestSupport
import Testing

@Suite struct CanonicalTests {
  @Test func `the vectors of RFC 8785's author give their bytes`() throws {
    let inputs = SharedVectors.files(in: "jcs-rfc8785/testdata/input")
    let outputs = SharedVectors.files(in: "jcs-rfc8785/testdata/output")
    #expect(inputs.map(\.name) == outputs.map(\.name))
    for (input, output) in zip(inputs, outputs) {
      let value = try JSONValue(parsing: input.bytes)
      #expect(value.canonicalBytes() == output.bytes, "\(input.name)")
      #expect(try JSONValue(parsing: output.bytes) == value, "\(input.name)")
    }
  }

  /// RFC 8785, appendix B.
  static let numbers: [(bits: UInt64, text: String)] = [
    (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
    (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
    (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
    (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
    (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
    (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
    (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
    (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
    (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
    (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
  ]

  @Test(arguments: numbers) func `a number is written as ECMAScript writes it`(bits: UInt64, text: String) {
    let number = Double(bitPattern: bits)
    #expect(JSONValue.number(number).canonicalText == text)
    #expect(JSONValue(number).canonicalText == text)
  }

  @Test func `an integer beyond 2^53 is written as the nearest double`() {
    #expect(JSONValue.integer(9_007_199_254_740_991).canonicalText == "9007199254740991")
    #expect(JSONValue.integer(9_007_199_254_740_993).canonicalText == "9007199254740992")
    #expect(JSONValue.integer(.min).canonicalText == "-9223372036854776000")
  }

  @Test func `names are ordered by UTF-16 code units`() {
    // U+1F600 is written with the surrogates D83D DE00, which sort before U+FB33 and U+E000.
    let object: JSONValue = ["\u{FB33}": 1, "\u{1F600}": 2, "\u{E000}": 3, "é": 4, "b": 5, "ba": 6, "": 7, "\u{D7FF}": 8]
    #expect(
      object.canonicalText == "{\"\":7,\"b\":5,\"ba\":6,\"é\":4,\"\u{D7FF}\":8,\"\u{1F600}\":2,\"\u{E000}\":3,\"\u{FB33}\":1}")
  }

  @Test func `only what must be escaped is escaped`() {
    let string: JSONValue = .string("\u{0}\u{8}\t\n\u{B}\u{C}\r\u{1F} \"\\/\u{7F}é\u{2028}😀")
    #expect(string.canonicalText == "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/\u{7F}é\u{2028}😀\"")
  }

  @Test(arguments: [1, 2, 3, UInt64.random(in: .min ... .max)])
  func `a random value survives writing and reading`(seed: UInt64) throws {
    print("random JSON values: seed \(seed)")
    var random = SplitMix64(state: seed)
    for round in 0..<500 {
      let value = Self.value(depth: 0, using: &random)
      let bytes = value.canonicalBytes()
      let again = try JSONValue(parsing: bytes)
      #expect(again == value, "seed \(seed), round \(round)")
      #expect(again.canonicalBytes() == bytes, "seed \(seed), round \(round)")
      #expect(again.hashValue == value.hashValue, "seed \(seed), round \(round)")
    }
  }

  private static func value(depth: Int, using random: inout SplitMix64) -> JSONValue {
    switch Int.random(in: 0..<(depth > 3 ? 5 : 8), using: &random) {
    case 0: return nil
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .integer(Int64.random(in: -9_007_199_254_740_991...9_007_199_254_740_991, using: &random))
    case 3:
      let number = Double(bitPattern: random.next())
      return number.isFinite ? JSONValue(number) : 0.5
    case 4: return .string(text(using: &random))
    case 5: return .array((0..<Int.random(in: 0..<6, using: &random)).map { _ in value(depth: depth + 1, using: &random) })
    default:
      var object = JSONObject()
      for _ in 0..<Int.random(in: 0..<24, using: &random) {
        object.append(text(using: &random), value(depth: depth + 2, using: &random))
      }
      return .object(object)
    }
  }

  private static func text(using random: inout SplitMix64) -> String {
    let alphabet: [Unicode.Scalar] = [
      "a", "b", "\"", "\\", "\n", "\u{1}", "é", "e", "\u{301}", "\u{E000}", "\u{1F600}", "\u{212A}",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
    }
    return text
  }
}

/// A small generator whose numbers depend on its seed only (Steele, Lea and Flood, 2014).
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
