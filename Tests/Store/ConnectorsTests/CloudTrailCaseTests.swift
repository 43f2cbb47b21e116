import AccessGraph
import Foundation
import Governance
import JSON
import Temporal
import Testing
import Usage

@testable import Connectors

/// Trails in the style of those that are public, written by hand, with what they come to: `Tests/Cases/trails`.
@Suite struct `The cases of trails` {
  static let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Cases/trails").standardized.path
  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".json") }.sorted()

  @Test func `there are some`() { #expect(Self.names.count >= 5) }

  @Test(arguments: names)
  func `comes to what the case says`(_ name: String) throws {
    let bytes = try #require(FileManager.default.contents(atPath: "\(Self.folder)/\(name)"))
    let expected = try JSONValue(parsing: Array(bytes))
    let files = try #require(expected["files"]?.objectValue)
    try check(expected, [files.map { ($0.name, $0.value) }])
    // One file after the other, and the other way round.
    guard expected["inParts"] == true else { return }
    try check(expected, files.map { [($0.name, $0.value)] })
    try check(expected, files.reversed().map { [($0.name, $0.value)] })
  }

  private func check(_ expected: JSONValue, _ parts: [[(String, JSONValue)]]) throws {
    let (log, usage) = (MemoryLog(), MemoryUsage())
    var report = CloudTrailReport()
    for part in parts {
      let folder = ScratchTrail()
      for (name, content) in part {
        folder.write(content.stringValue.map { Array($0.utf8) } ?? content.canonicalBytes(), name: name)
      }
      report = try CloudTrailImport.testing([folder.path]).run(into: log, usage: usage)
      #expect(try CloudTrailImport.testing([folder.path]).run(into: log, usage: usage).events == 0)
    }
    if parts.count == 1 {
      #expect(Int64(report.records) == expected["records"]?.integerValue)
      #expect(Int64(report.duplicates) == expected["duplicates"]?.integerValue ?? 0)
      #expect(Int64(report.insights) == expected["insights"]?.integerValue ?? 0)
      #expect(report.accounts == expected["accounts"]?.arrayValue?.compactMap(\.stringValue))
      let remarks = (expected["remarks"]?.objectValue ?? JSONObject()).map { ($0.name, Int($0.value.integerValue ?? 0)) }
      #expect(report.remarks == Dictionary(uniqueKeysWithValues: remarks))
    }
    if let lines = expected["usage"]?.arrayValue?.compactMap(\.stringValue) { #expect(Self.lines(usage.records) == lines) }
    for question in expected["questions"]?.arrayValue ?? [] {
      func text(_ name: String) -> String { question[name]?.stringValue ?? "" }
      let view = Viewpoint(at: try Instant(rfc3339: "2024-05-01T\(text("at"))Z"), asKnownAt: log.graph.position)
      let answer = log.graph.why(text("who"), action: text("action"), resource: text("resource"), from: view, limit: 10)
      let word = answer.reason == "no_path" ? "none" : "\(answer.status)"
      #expect(word == text("status"), "\(question)")
    }
  }

  /// Principal, action, and how often it was allowed, denied and failed.
  private static func lines(_ records: [UsageRecord]) -> [String] {
    var counts: [String: [UsageOutcome: Int]] = [:]
    for record in records {
      counts["\(record.identity) \(record.sourceAction ?? "")", default: [:]][record.outcome, default: 0] += 1
    }
    return counts.map { key, count in
      "\(key) \(count[.allowed] ?? 0)/\(count[.denied] ?? 0)/\(count[.failed] ?? 0)"
    }.sorted()
  }
}
