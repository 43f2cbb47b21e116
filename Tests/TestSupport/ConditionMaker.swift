public import Conditions
import FoundationEssentials
public import JSON
public import Temporal

extension Judgement {
  /// The judgement as golden files and the oracle write it.
  public var word: String {
    switch self {
    case .yes: "yes"
    case .no: "no"
    case .open: "open"
    case .unevaluable: "unevaluable"
    }
  }
}

/// One condition with what it is judged in, as a line of the golden files.
public struct ConditionCase: Sendable, CustomStringConvertible {
  /// The whole case.
  public let document: JSONValue

  /// What it is about.
  public var name: String { document["name"]?.stringValue ?? "" }
  /// The condition.
  public var condition: JSONValue { document["condition"] ?? .null }
  /// What it should come to, as a word.
  public var expected: String { document["is"]?.stringValue ?? "" }
  /// Where the condition is refused.
  public var pointer: String { document["pointer"]?.stringValue ?? "" }
  /// The name, which test reports show.
  public var description: String { name }

  /// A case.
  public init(document: JSONValue) { self.document = document }

  /// The moment; nil where it is null.
  public var at: Instant? {
    if document["at"]?.isNull == true { return nil }
    return (document["at"]?.stringValue).flatMap { try? Instant(rfc3339: $0) } ?? Instant(microseconds: 0)
  }

  /// What it is judged in; where `at`, `request`, `identity` or `resource` is null, everything of it is open.
  public var context: ConditionContext {
    ConditionContext(
      at: at, request: { finding("request", $0) }, identity: { finding("identity", $0) },
      resource: { finding("resource", $0) })
  }

  /// The same case of a question to which some of `at`, `request`, `identity` and `resource` are not given.
  public func without(_ origins: String...) -> ConditionCase {
    var object = document.objectValue ?? [:]
    for origin in origins { object[origin] = .null }
    return ConditionCase(document: .object(object))
  }

  private func finding(_ origin: String, _ name: String) -> ConditionContext.Finding {
    guard document[origin]?.isNull != true else { return .open }
    guard let value = document[origin]?[name], !value.isNull else { return .absent }
    if value.objectValue != nil { return .unreadable }
    return .values(value.arrayValue ?? [value])
  }

  /// The cases of a golden file.
  public static func all(_ name: String) throws -> [ConditionCase] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Cases/conditions/\(name).ndjson")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      ConditionCase(document: try JSONValue(parsing: Array($0.utf8)))
    }
  }
}

/// Random conditions over few values, so that they often meet.
public struct ConditionMaker {
  private var random: SeededGenerator
  private static let texts = [
    "red", "Red", "blue", "re*", "r?d", "*", "", "arn:aws:s3:::red", "10.1.2.3", "7", "true", "ROUGE",
  ]
  private static let variables = [
    "${identity.team}", "${request.purpose}", "${identity.nothing, 'red'}", "x${resource.owner}y", "${*}", "${identity.secret}",
    "re${?}", "${identity.list}", "${time.weekday}", "${request.attribute.a, 'blue'}",
  ]
  private static let numbers = ["7", "7.0", "-7", "07.50", "0", "300", "22", "3"]
  /// What looks like a date, and is none in the profile.
  private static let noDates = ["2024-07-03T22:30.5Z", "+1720045800", "2024-07-03T22:30", "2024-07-03T22Z"]
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

  /// Begins the sequence of a seed.
  public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// The next condition with what it is judged in.
  public mutating func next() -> ConditionCase {
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
    case 3: .string(random.pick(Self.dates + Self.noDates))
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
