import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import Connectors

@Suite struct `A random trail` {
  @Test func `comes to what truly held, in one call or in many, in any order`() throws {
    for seed in UInt64(1)...24 {
      var random = SeededGenerator(seed: seed &* 77)
      // A second is never divided between calls: nothing would tell what came first in it.
      let parts = seed.isMultiple(of: 3) ? 1 : 2 + random.below(4)
      // Names that go round among users are followed within a call, and from call to call in the order of time.
      let isInOrder = seed.isMultiple(of: 2)
      let trail = RandomTrail(seed: seed, steps: 90, renames: parts == 1 || isInOrder)
      let last = trail.records.last?.second ?? 0
      var calls = Array(repeating: [JSONValue](), count: parts)
      var part: [Int: Int] = [:]
      for (second, record) in trail.records {
        let call = part[second] ?? (isInOrder ? second * parts / (last + 1) : random.below(parts))
        part[second] = call
        calls[call].append(record)
        // Delivered twice, and in another call again.
        if random.chance(1, in: 10) { calls[call].append(record) }
      }
      let log = MemoryLog()
      for call in calls where !call.isEmpty {
        let folder = ScratchTrail()
        for (index, record) in call.shuffled(using: &random).enumerated() where index.isMultiple(of: 1) {
          folder.write([record], name: "\(random.below(1_000_000))-\(index).json")
        }
        let report = try CloudTrailImport.testing([folder.path]).run(into: log, usage: MemoryUsage())
        #expect(report.remarks == [:], "seed \(seed)")
      }
      for (second, truth) in trail.truth.sorted(by: { $0.key < $1.key }) {
        let found = RandomTrail.holdings(in: log.world, at: RandomTrail.instant(second))
        guard found != truth else { continue }
        let (missing, extra) = (truth.subtracting(found).sorted(), found.subtracting(truth).sorted())
        Issue.record("seed \(seed), \(parts) calls, after second \(second): missing \(missing), too much \(extra)")
        for (second, record) in trail.records {
          let request = String(decoding: (record["requestParameters"] ?? nil).canonicalBytes(), as: UTF8.self)
          print("\(second) in call \(part[second] ?? 0): \(record["eventName"]?.stringValue ?? "") \(request)")
        }
        return
      }
    }
  }

  @Test func `mutated in any way is read, or refused by name, and never a crash`() throws {
    var records = RandomTrail(seed: 5, steps: 60).records.map(\.record)
    if let folder = Exercise.found() {
      let files = try TrailFiles([folder]).paths
      for file in files.prefix(20) {
        var some: [JSONValue] = []
        try TrailFiles.forEachRecord(at: file) { found in
          if case .record(let record) = found, record["readOnly"]?.boolValue != true { some.append(record) }
        }
        records += some.prefix(40)
      }
    }
    let seed: UInt64 = 12
    var random = SeededGenerator(seed: seed)
    var (read, refused) = (0, 0)
    for _ in 0..<40 {
      let folder = ScratchTrail()
      let log = MemoryLog()
      folder.write((0..<60).map { _ in mutated(random.pick(records), &random, depth: 0) })
      let report = try CloudTrailImport.testing([folder.path], skipsInvalid: true).run(into: log, usage: MemoryUsage())
      read += report.records
      refused += report.invalid.count
      for problem in report.invalid { #expect(problem.record != nil && problem.path.hasSuffix(".json")) }
      let again = try CloudTrailImport.testing([folder.path], skipsInvalid: true).run(into: log, usage: MemoryUsage())
      #expect(again.events == 0, "seed \(seed)")
    }
    print("mutated records: \(read) read, \(refused) refused")
    #expect(read > 500 && refused > 100)
  }

  /// The value with some members dropped, replaced, repeated under other names, or blown up.
  private func mutated(_ value: JSONValue, _ random: inout SeededGenerator, depth: Int) -> JSONValue {
    let strange: [JSONValue] = [
      nil, true, 0, -1, 1.5, "", "*", "a\nb", "\u{0}", "\u{7F}é\u{301}", .array([]), .object([:]), "2023-13-45T99:99:99Z",
      "arn:aws:iam::111122223333:user/", "arn::::::", "%7B%7D", #"{"Statement":[{"Effect":"Allow"}]}"#,
      .string(String(repeating: "x", count: 5000)), .string(String(repeating: "/", count: 600)),
      .array(Array(repeating: "y", count: 300)), #"{"Statement":{"Effect":"Deny","NotPrincipal":"*","NotAction":["a"]}}"#,
    ]
    if depth > 0, random.chance(1, in: 25) { return random.pick(strange) }
    switch value {
    case .object(let object):
      var result = JSONObject()
      for member in object where !random.chance(1, in: 40) {
        result[member.name] = mutated(member.value, &random, depth: depth + 1)
      }
      return .object(result)
    case .array(let items): return .array(items.map { mutated($0, &random, depth: depth + 1) })
    default: return value
    }
  }
}
