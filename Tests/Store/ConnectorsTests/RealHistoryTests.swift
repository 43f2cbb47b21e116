import Foundation
import Governance
import JSON
import Temporal
import Testing

@testable import Connectors

@Suite struct `The real history` {
  @Test func `is read whole, answers all questions as they were computed elsewhere, and adds nothing again`() throws {
    let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../../shared/data/kubernetes-org").standardized
    let (bundle, questions) = (root.appendingPathComponent("history.bundle"), root.appendingPathComponent("questions.ndjson"))
    guard FileManager.default.fileExists(atPath: bundle.path) else {
      print("skipped: the real history is absent (../shared/data/kubernetes-org)")
      return
    }
    let log = MemoryLog()
    let bringing = try PeribolosImport(name: "kubernetes", recordedBy: Recorder(id: "test", authentication: "local"))
    let clock = ContinuousClock()
    let start = clock.now
    let report = try bringing.run(try GitHistory(at: bundle.path), into: log)
    print("the real history: \(report.commits) commits, \(report.events) events in \(clock.now - start)")
    #expect((report.commits, report.read, report.invalid.count, report.backwards) == (2775, 2775, 0, 0))
    #expect(report.warnings == [])
    #expect(report.collisions == [])
    #expect(!log.types.contains("finding.raised"))

    let lines = try String(contentsOf: questions, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 200)
    for line in lines {
      let question = try JSONValue(parsing: Array(line.utf8))
      let (action, resource) = (question["action"]?.stringValue ?? "", question["resource"]?.stringValue ?? "")
      let t = try Instant(rfc3339: question["at"]?.stringValue ?? "")
      #expect(
        log.who(action, resource, at: t) == question["identities"]?.arrayValue?.compactMap(\.stringValue), "\(line.prefix(100))"
      )
    }
    let again = try bringing.run(try GitHistory(at: bundle.path), into: log)
    #expect((again.known, again.events) == (2775, 0))
  }
}
