import Conditions
import Foundation
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

/// Conditions as tenure.condition_judgement judges them, against golden cases and against `Conditions`.
///
/// SQL knows no request and takes what cannot be evaluated for open; so the golden cases that are given a request are held
/// against `Conditions` without it, and the others against what they say as well.
@Suite struct ConditionsInSQLTests {
  let connection: Connection

  init() throws { connection = try ScratchDatabase.connect() }

  @Test func `judges the golden cases`() throws {
    let golden = try ConditionCase.all("judgements")
    try expectAgreement(golden.map { $0.without("request") })
    let settled = golden.filter { $0.document["request"]?.isNull == true || !$0.condition.canonicalText.contains("request.") }
    #expect(settled.count > 50)
    for (one, word) in zip(settled, try judge(settled)) { #expect(word == Self.survey(one.expected), "\(one.name)") }
    let refused = try ConditionCase.all("refused")
    for (one, word) in zip(refused, try judge(refused)) { #expect(word == "open", "\(one.name)") }
  }

  /// 5,000 documents a run, each with everything given but the request, then also without the identity's or the resource's
  /// attributes, or the moment; TENURE_FIRST_SEED repeats one run alone.
  @Test func `judges random conditions as Conditions does`() throws {
    let seed = ProcessInfo.processInfo.environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 1
    var maker = ConditionMaker(seed: seed)
    let cases = (0..<5_000).map { _ in maker.next().without("request") }
    let counts = try expectAgreement(cases, "seed \(seed)")
    for word in ["yes", "no", "open"] { #expect(counts[word, default: 0] > 250, "\(counts)") }
    try expectAgreement(cases.map { $0.without("identity") }, "seed \(seed)")
    try expectAgreement(cases.map { $0.without("resource") }, "seed \(seed)")
    try expectAgreement(cases.map { $0.without("at") }, "seed \(seed)")
  }

  /// Texts that are nearly numbers, dates, addresses, names and variables, as the condition's value and as the attribute's; and
  /// nearly operators and keys.
  @Test func `reads what is nearly right as Conditions does`() throws {
    var random = SeededGenerator(seed: 7)
    var cases: [ConditionCase] = []
    for _ in 0..<10_000 {
      let (operators, texts) = random.pick(NearlyRight.families)
      let attribute = NearlyRight.mutated(random.pick(texts), &random)
      let operand = random.chance(1, in: 3) ? attribute : NearlyRight.mutated(random.pick(texts), &random)
      let team = random.pick(NearlyRight.teams)
      cases.append(Self.question(random.pick(operators), "identity.x", .string(operand), .string(attribute), team: team))
    }
    for _ in 0..<3_000 {
      let name = NearlyRight.mutated(random.pick(NearlyRight.operators), &random)
      let key = NearlyRight.mutated(random.pick(NearlyRight.keys), &random)
      cases.append(Self.question(name, key, random.pick(["x", "7", "true", "2024", "10.0.0.0/8"]), "7"))
    }
    let counts = try expectAgreement(cases)
    for word in ["yes", "no", "open"] { #expect(counts[word, default: 0] > 500, "\(counts)") }
  }

  /// Every name that the server has for a zone, with `posix/` and `right/` before it too, and what its clock shows.
  @Test func `knows zones and their clocks as Conditions does`() throws {
    var random = SeededGenerator(seed: 11)
    let rows = try connection.query(
      "SELECT name, tenure.condition_zone(name) FROM pg_timezone_names ORDER BY name COLLATE ucs_basic")
    var cases: [ConditionCase] = []
    for row in rows {
      let (name, isKnown) = (try row.string(0), try row.bool(1))
      let zone = Zone(name)
      #expect(isKnown == (zone != nil), "\(name)")
      guard let zone else { continue }
      for _ in 0..<4 {
        cases.append(Self.clock(zone, at: Instant(microseconds: Int64(random.below(68 * 365 * 86_400)) * 1_000_000)))
      }
    }
    #expect(rows.count > 1_000 && cases.count > 2_000)
    for (one, word) in zip(cases, try judge(cases)) { #expect(word == "yes", "\(one.document.canonicalText)") }
  }

  /// What a zone's clock shows, as a condition that holds.
  private static func clock(_ zone: Zone, at: Instant) -> ConditionCase {
    let clock = zone.civilTime(at: at)
    let numbers = [
      ("hour", clock.hour), ("minute", clock.minute), ("weekday", clock.weekday), ("day", clock.day), ("month", clock.month),
      ("year", clock.year),
    ]
    let date = [clock.year, clock.month, clock.day].map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: "-")
    let condition: JSONValue = [
      "NumericEquals": .object(JSONObject(numbers.map { ("time.\($0.0)@\(zone.name)", .integer(Int64($0.1))) })),
      "StringEquals": .object(["time.date@\(zone.name)": .string(date)]),
    ]
    return ConditionCase(document: ["condition": condition, "at": .string(at.description)])
  }

  /// Each character that has another case, alone and in a word, up to the Unicode of PostgreSQL's ICU.
  ///
  /// But for texts that are only canonically equivalent: `Conditions` takes these for the same, SQL as everything else does not.
  @Test func `ignores case as Conditions does`() throws {
    func isKnown(_ scalar: Unicode.Scalar) -> Bool { (scalar.properties.age?.major ?? 99) <= 15 }
    let scalars = (1...0x1_FFFF).compactMap { Unicode.Scalar($0) }.filter {
      isKnown($0) && ($0.properties.changesWhenLowercased || $0.properties.changesWhenUppercased)
    }
    #expect(scalars.count > 2_500)
    let pairs = scalars.flatMap { scalar in
      let character = String(Character(scalar))
      let (lower, upper) = (character.lowercased(), character.uppercased())
      return [(character, lower), (character, upper), ("A" + character, "a" + lower)]
    }.filter { one, other in
      let (mine, theirs) = (one.lowercased(), other.lowercased())
      return other.unicodeScalars.allSatisfy(isKnown) && (mine == theirs) == mine.utf8.elementsEqual(theirs.utf8)
    }
    #expect(pairs.count > 7_500)
    try expectAgreement(
      (pairs + pairs.map { ($1, $0) }).map {
        Self.question("StringEqualsIgnoreCase", "identity.x", .string($0), .string($1))
      })
  }

  /// A wildcard does not reach over a name's colons; what a variable says is no wildcard, for LIKE neither, and divides no name.
  @Test(arguments: [
    (#"{"ArnLike":{"identity.x":"a:*:d:e:f:g"}}"#, "a:b:c:d:e:f:g", "", "no"),
    (#"{"ArnLike":{"identity.x":"a:*:c:d:e:*"}}"#, "a:b:c:d:e:f:g", "", "yes"),
    (#"{"ArnLike":{"identity.x":"a:b:c:d:${identity.team}:f"}}"#, "a:b:c:d:e:f:f", "e:f", "no"),
    (#"{"ArnLike":{"identity.x":"a:b:c:d:e:${identity.team}"}}"#, "a:b:c:d:e:f:g", "f:g", "yes"),
    (#"{"StringLike":{"identity.x":"${identity.team}"}}"#, "abc", "%", "no"),
    (#"{"StringLike":{"identity.x":"${identity.team}"}}"#, "abc", "*", "no"),
    (#"{"StringLike":{"identity.x":"*${identity.team}"}}"#, "ab%", "%", "yes"),
    (#"{"StringEquals":{"identity.x":"${identity.team}"}}"#, "a", "_", "no"),
    (#"{"StringEquals":{"identity.x":"${identity.team}"}}"#, #"a\"#, #"a\"#, "yes"),
    (#"{"StringEqualsIgnoreCase":{"identity.x":"${identity.team}"}}"#, "AΣ", "aσ", "yes"),
    (#"{"StringEqualsIgnoreCase":{"identity.x":"${identity.team}"}}"#, "AΣ", "aς", "no"),
  ])
  func `a text is no more than it says`(_ condition: String, _ x: String, _ team: String, _ expected: String) throws {
    let one = ConditionCase(
      document: [
        "condition": try JSONValue(parsing: Array(condition.utf8)), "identity": ["x": .string(x), "team": .string(team)],
        "request": nil,
      ])
    try expectAgreement([one])
    #expect(try judge([one]) == [expected])
  }

  @Test(arguments: [
    (#"{"NumericLessThan":{"time.hour":"9"}}"#, "open"), (#"{"DateGreaterThan":{"time.now":"2024"}}"#, "open"),
    (#"{"NumericLessThan":{"time.hour":"9"},"Null":{"identity.id":"true"}}"#, "no"),
    (#"{"StringEquals":{"identity.id":"${time.date}"}}"#, "open"),
    (#"{"StringEquals":{"identity.id":"${time.date, 'ada'}"}}"#, "open"), (#"{"Null":{"identity.id":"false"}}"#, "yes"),
  ])
  func `the time is open where no moment is given`(_ condition: String, _ expected: String) throws {
    let row = try connection.query(
      "SELECT \(unsafe: Self.word)(\(condition), NULL, '{\"id\": \"ada\"}', '{}')]")
    #expect(try row[0].string(0) == expected)
  }
}

extension ConditionsInSQLTests {
  /// Begins an expression that gives a judgement as a word; its arguments and `]` follow.
  static let word = "(ARRAY['yes', 'open', NULL, 'no'])[tenure.condition_judgement"

  private static func survey(_ word: String) -> String { word == "unevaluable" ? "open" : word }

  private static func question(
    _ operation: String, _ key: String, _ operand: JSONValue, _ attribute: JSONValue, team: String = "red"
  ) -> ConditionCase {
    ConditionCase(
      document: [
        "condition": [operation: [key: operand]], "identity": ["x": attribute, "team": .string(team)], "request": nil,
        "resource": ["path": "org"], "at": "2024-07-03T22:30:00Z",
      ])
  }

  /// What SQL makes of the cases.
  private func judge(_ cases: [ConditionCase]) throws -> [String] {
    func given(_ origin: String) -> [String?] {
      cases.map { one in
        let value = one.document[origin] ?? [:]
        return value.isNull ? nil : value.canonicalText
      }
    }
    let moments = cases.map { one in one.at.map { Timestamp(microsecondsSinceUnixEpoch: $0.microseconds) } }
    let rows = try connection.query(
      """
      SELECT \(unsafe: Self.word)(c.condition, c.at, c.identity::jsonb, c.resource::jsonb)]
      FROM unnest(\(cases.map(\.condition.canonicalText)), \(moments), \(given("identity")),
        \(given("resource"))) WITH ORDINALITY AS c (condition, at, identity, resource, number)
      ORDER BY c.number
      """)
    return try rows.map { try $0.string(0) }
  }

  /// - Returns: how often each word was the answer.
  @discardableResult
  private func expectAgreement(_ cases: [ConditionCase], _ comment: String = "") throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for (one, word) in zip(cases, try judge(cases)) {
      let expected = Self.survey(Condition(observed: one.condition).judgement(in: one.context).word)
      #expect(word == expected, "\(comment) \(one.document.canonicalText)")
      counts[word, default: 0] += 1
    }
    return counts
  }
}

/// Texts with small mistakes in them.
private enum NearlyRight {
  static let operators = [
    "StringEquals", "StringNotEqualsIgnoreCase", "StringLike", "NumericLessThanEquals", "DateNotEqualsIfExists", "Bool", "Null",
    "ForAnyValue:StringLike", "ForAllValues:NumericEqualsIfExists", "IpAddress", "NotIpAddress", "ArnNotLike", "BinaryEquals",
  ]
  static let keys = [
    "identity.x", "identity.id", "resource.path", "request.ip", "request.attribute.x", "time.hour@Europe/Berlin", "time.now",
    "time.date@Asia/Tokyo", "request.mfa_age_seconds", "identity.team",
  ]
  /// What a variable may say: for LIKE and for names more than itself.
  static let teams = ["red", "red", "%", "_", "a\\", "*", "a:b", "e:f"]
  static let families: [(operators: [String], texts: [String])] = [
    (
      ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"],
      ["7", "-12.50", "0.5", "007", String(repeating: "9", count: 99), "-0.0", "1e3"]
    ),
    (
      ["DateEquals", "DateLessThan", "DateGreaterThanEquals", "DateNotEquals"],
      [
        "2024", "2024-02", "2024-02-29", "2024-02-29T23:59Z", "2024-02-29t23:59:59.123456+23:59", "1709251199", "-62135596800",
        "253402300799", "0001-01-01", "9999-12-31T23:59:59.999999-00:01", "2024-05-01T09:30.5Z", "00000001709251199",
      ]
    ),
    (
      ["IpAddress", "NotIpAddress"],
      [
        "10.0.0.0/8", "10.1.2.3", "255.255.255.255/32", "2001:db8::/32", "::1", "::", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:1.2.3.4", "fe80::/10", "0.0.0.0/0", "1::8/128", "ABCD:ef01::",
      ]
    ),
    (
      ["ArnLike", "ArnNotEquals"],
      [
        "arn:aws:s3:::red", "arn:*:s3:::r*:x", "arn:aws:iam::1:user/${identity.team}", "a:b:c:d:e:${identity.x, 'a:b'}",
        ":::::", "a:b:c:d:${identity.team}:f", "a:b:c:d:e:f:g", "a:*:d:e:f:g", "a:b:*:e:f:*",
      ]
    ),
    (
      ["StringEquals", "StringLike", "StringNotLike", "Bool", "ForAnyValue:StringEquals"],
      [
        "r*d", "re?d", "re_d", "r%d", "a\\b", "${*}", "${identity.team}", "${identity.none, 'red'}", "x${$}{y}", "${time.hour}",
        "${resource.path }", "true", "${identity.team,'it''s'}", "$", "${request.ip}", "r*e*d*", "",
        "x${identity.team}", "x*", "xa\\", "x%",
      ]
    ),
  ]

  /// Few characters, so that what is changed is often still right.
  ///
  /// No combining ones: `Conditions` reads what stands before them as another character.
  private static let characters = Array("0123456789.:-/+*?${}',\\%_ TZeabfx@n\u{E9}\u{3A3}")

  /// The text with up to three characters added, taken away or changed, or as it is.
  static func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
    var characters = Array(text)
    for _ in 0..<random.below(4) {
      let place = random.below(characters.count + 1)
      switch random.below(3) {
      case 0: characters.insert(random.pick(Self.characters), at: place)
      case 1: if place < characters.count { characters.remove(at: place) }
      default: if place < characters.count { characters[place] = random.pick(Self.characters) }
      }
    }
    return String(characters)
  }
}
