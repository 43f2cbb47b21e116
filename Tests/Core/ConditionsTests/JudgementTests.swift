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
