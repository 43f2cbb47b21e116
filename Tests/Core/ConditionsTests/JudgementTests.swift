import Conditions
import Foundation
import JSON
import Temporal
import TestSupport
import Testing

/// Golden cases by hand from the table of AWS's operators, and random documents judged by an evaluator in Python.
@Suite struct JudgementTests {
  @Test(arguments: try! ConditionCase.all("judgements"))
  func judges(_ golden: ConditionCase) throws {
    let condition = try Condition(golden.condition)
    #expect(condition.judgement(in: golden.context).word == golden.expected, "\(golden.name)")
  }

  @Test(arguments: try! ConditionCase.all("refused"))
  func refuses(_ golden: ConditionCase) throws {
    let error = #expect(throws: JSONFieldError.self, "\(golden.name)") { try Condition(golden.condition, at: "/c") }
    #expect(error?.pointer == "/c" + golden.pointer, "\(golden.name): \(error?.description ?? "")")
    // Observed elsewhere it is kept, and neither fulfilled nor denied.
    #expect(Condition(observed: golden.condition).judgement(in: golden.context) == .unevaluable)
  }

  @Test func limitsAreNamed() throws {
    let values = JSONValue.array((0...Condition.maximumValues).map { .integer(Int64($0)) })
    #expect(throws: JSONFieldError.self) { try Condition(["NumericEquals": ["identity.level": values]]) }
    let keys = JSONObject((0...Condition.maximumClauses).map { ("identity.a\($0)", JSONValue.string("x")) })
    #expect(throws: JSONFieldError.self) { try Condition(["StringEquals": .object(keys)]) }
  }

  @Test func theRestIsWhatIsOpen() throws {
    let condition = try Condition([
      "Bool": ["request.mfa": "true"], "StringEquals": ["identity.department": "payments", "request.region": "eu"],
      "NumericLessThan": ["time.hour": "23"],
    ])
    let context = ConditionContext(
      at: Instant(microseconds: 0), identity: { _ in .values(["payments"]) }, resource: { _ in .absent })
    #expect(
      condition.judgement(in: context)
        == .open(["Bool": ["request.mfa": "true"], "StringEquals": ["request.region": "eu"]]))
  }

  /// 5,000 documents a run; TENURE_FIRST_SEED repeats one run alone.
  @Test func agreesWithTheOracle() throws {
    let seed = ProcessInfo.processInfo.environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 1
    var maker = ConditionMaker(seed: seed)
    var cases: [ConditionCase] = []
    while cases.count < 5_000 { cases.append(maker.next()) }
    let words = try Oracle.judge(cases)
    var counts: [String: Int] = [:]
    for (one, word) in zip(cases, words) {
      let ours = try Condition(one.condition).judgement(in: one.context).word
      #expect(ours == word, "seed \(seed): \(String(decoding: one.document.canonicalBytes(), as: UTF8.self))")
      counts[word, default: 0] += 1
    }
    // A generator that only ever made one answer would show nothing.
    for word in ["yes", "no", "open", "unevaluable"] { #expect(counts[word, default: 0] > 100, "\(counts)") }
  }
}

extension Judgement {
  var word: String {
    switch self {
    case .yes: "yes"
    case .no: "no"
    case .open: "open"
    case .unevaluable: "unevaluable"
    }
  }
}

/// One condition with what it is judged in, as a line of the golden files.
struct ConditionCase: Sendable, CustomTestStringConvertible {
  let document: JSONValue

  var name: String { document["name"]?.stringValue ?? "" }
  var condition: JSONValue { document["condition"] ?? .null }
  var expected: String { document["is"]?.stringValue ?? "" }
  var pointer: String { document["pointer"]?.stringValue ?? "" }
  var testDescription: String { name }

  var context: ConditionContext {
    let request = document["request"]?.objectValue
    return ConditionContext(
      at: (document["at"]?.stringValue).flatMap { try? Instant(rfc3339: $0) } ?? Instant(microseconds: 0),
      request: { name in request.map { Self.finding($0[name]) } ?? .open },
      identity: { Self.finding(document["identity"]?[$0]) }, resource: { Self.finding(document["resource"]?[$0]) })
  }

  private static func finding(_ value: JSONValue?) -> ConditionContext.Finding {
    guard let value, !value.isNull else { return .absent }
    if value.objectValue != nil { return .unreadable }
    return .values(value.arrayValue ?? [value])
  }

  static func all(_ name: String) throws -> [ConditionCase] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Cases/conditions/\(name).ndjson")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      ConditionCase(document: try JSONValue(parsing: Array($0.utf8)))
    }
  }
}

/// The evaluator in Python.
enum Oracle {
  static func judge(_ cases: [ConditionCase]) throws -> [String] {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "oracle.py")
    let input = FileManager.default.temporaryDirectory.appending(path: "conditions-\(UUID()).ndjson")
    defer { try? FileManager.default.removeItem(at: input) }
    let lines = cases.map { String(decoding: $0.document.canonicalBytes(), as: UTF8.self) + "\n" }.joined()
    try lines.write(to: input, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.path]
    process.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let words = String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(words.count == cases.count)
    return words
  }
}

/// Random conditions over few values, so that they often meet.
struct ConditionMaker {
  private var random: SeededGenerator
  private static let texts = [
    "red", "Red", "blue", "re*", "r?d", "*", "", "arn:aws:s3:::red", "10.1.2.3", "7", "true", "ROUGE",
  ]
  private static let variables = [
    "${identity.team}", "${request.purpose}", "${identity.nothing, 'red'}", "x${resource.owner}y", "${*}", "${identity.secret}",
    "re${?}", "${identity.list}", "${time.weekday}", "${request.attribute.a, 'blue'}",
  ]
  private static let numbers = ["7", "7.0", "-7", "07.50", "0", "300", "22", "3"]
  private static let dates = [
    "2024", "2024-07", "2024-07-03", "2024-07-03T22:30:00Z", "2024-07-03T22:30Z", "2024-07-04T00:30:00+02:00", "1720045800",
    "2024-07-03T22:30:00.5Z",
  ]
  private static let blocks = [
    "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.168.0.0/16", "::ffff:0:0/96",
  ]
  private static let names = [
    "arn:aws:s3:::red", "arn:*:s3:::r*", "arn:aws:s3:?::red", "arn:aws:s3:::*:x", "arn:aws:iam:::${identity.team}",
  ]
  private static let bytes = ["aGVsbG8=", "", "AA=="]

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func next() -> ConditionCase {
    var operators: [(String, JSONValue)] = []
    for _ in 0...random.below(3) {
      let (name, keys) = operation()
      if !operators.contains(where: { $0.0 == name }) { operators.append((name, keys)) }
    }
    return ConditionCase(
      document: .object(
        JSONObject([
          ("condition", .object(JSONObject(operators))), ("at", "2024-07-03T22:30:00.000000Z"),
          ("request", random.chance(1, in: 4) ? .null : request()), ("identity", identity()), ("resource", resource()),
        ])))
  }

  private mutating func operation() -> (String, JSONValue) {
    let bases: [(String, [String], [String])] = [
      ("StringEquals", Self.texts + Self.variables, []), ("StringNotEquals", Self.texts + Self.variables, []),
      ("StringEqualsIgnoreCase", Self.texts, []), ("StringNotEqualsIgnoreCase", Self.texts, []),
      ("StringLike", Self.texts + Self.variables, []), ("StringNotLike", Self.texts + Self.variables, []),
      ("NumericEquals", Self.numbers, ["number"]), ("NumericNotEquals", Self.numbers, ["number"]),
      ("NumericLessThan", Self.numbers, ["number"]), ("NumericLessThanEquals", Self.numbers, ["number"]),
      ("NumericGreaterThan", Self.numbers, ["number"]), ("NumericGreaterThanEquals", Self.numbers, ["number"]),
      ("DateEquals", Self.dates, ["date"]), ("DateNotEquals", Self.dates, ["date"]), ("DateLessThan", Self.dates, ["date"]),
      ("DateLessThanEquals", Self.dates, ["date"]), ("DateGreaterThan", Self.dates, ["date"]),
      ("DateGreaterThanEquals", Self.dates, ["date"]), ("Bool", ["true", "false"], ["bool"]), ("BinaryEquals", Self.bytes, []),
      ("IpAddress", Self.blocks, ["ip"]), ("NotIpAddress", Self.blocks, ["ip"]), ("ArnEquals", Self.names, []),
      ("ArnLike", Self.names, []), ("ArnNotLike", Self.names, []), ("ArnNotEquals", Self.names, []),
      ("Null", ["true", "false"], ["null"]),
    ]
    let (base, values, kinds) = random.pick(bases)
    var keys = [
      "identity.team", "identity.level", "identity.list", "identity.nothing", "identity.secret", "resource.owner",
      "request.attribute.a", "request.attribute.list", "identity.since", "identity.arn",
    ]
    switch kinds.first {
    case "number": keys += ["time.hour", "time.weekday@Europe/Berlin", "time.minute@Asia/Kolkata", "request.mfa_age_seconds"]
    case "date": keys += ["time.now"]
    case "bool": keys += ["request.mfa", "request.device_managed"]
    case "ip": keys += ["request.ip", "request.ip"]
    case "null": keys += ["request.mfa", "request.ip"]
    default: keys += ["identity.id", "resource.path", "request.purpose", "time.date@America/New_York"]
    }
    var name = base
    if base != "Null" {
      if random.chance(1, in: 4) { name += "IfExists" }
      name = random.pick(["", "", "", "ForAnyValue:", "ForAllValues:"]) + name
    }
    var members: [(String, JSONValue)] = []
    for _ in 0...random.below(2) {
      let key = random.pick(keys)
      if members.contains(where: { $0.0 == key }) { continue }
      let operands = (0...random.below(3)).map { _ in JSONValue.string(random.pick(values)) }
      members.append((key, operands.count == 1 && random.chance(1, in: 2) ? operands[0] : .array(operands)))
    }
    return (name, .object(JSONObject(members)))
  }

  private mutating func value() -> JSONValue {
    switch random.below(8) {
    case 0: .integer(Int64(random.below(9)))
    case 1: .bool(random.chance(1, in: 2))
    case 2: .array(random.some(Self.texts, chance: 1, in: 6).map { .string($0) })
    case 3: .string(random.pick(Self.dates))
    case 4: .string(random.pick(Self.numbers))
    case 5: .string(random.pick(["arn:aws:s3:::red", "aGVsbG8=", "10.1.2.3", "2001:db8::1"]))
    default: .string(random.pick(Self.texts))
    }
  }

  private mutating func object(_ fixed: [(String, JSONValue)], _ names: [String]) -> JSONValue {
    .object(JSONObject(fixed + random.some(names, chance: 3, in: 4).map { ($0, value()) }))
  }

  private mutating func request() -> JSONValue {
    var fixed: [(String, JSONValue)] = []
    if random.chance(2, in: 3) {
      fixed.append(("ip", .string(random.pick(["10.1.2.3", "192.168.1.1", "2001:db8::1", "::ffff:1.2.3.4", "no"]))))
    }
    if random.chance(2, in: 3) { fixed.append(("mfa", .bool(random.chance(1, in: 2)))) }
    return object(fixed, ["purpose", "mfa_age_seconds", "attribute.a", "attribute.list", "device_managed"])
  }

  private mutating func identity() -> JSONValue {
    let list = JSONValue.array(random.some(Self.texts, chance: 1, in: 4).map { .string($0) })
    return object(
      [("id", "red"), ("secret", ["sealed": true]), ("list", list)], ["team", "level", "since", "arn"])
  }

  private mutating func resource() -> JSONValue { object([("path", "org/red")], ["owner"]) }
}
