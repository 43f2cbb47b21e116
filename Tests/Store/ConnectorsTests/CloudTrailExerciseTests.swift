import AccessGraph
import Foundation
import Governance
import JSON
import Temporal
import Testing
import Usage

@testable import Connectors

@Suite struct `The exercise's trail` {
  /// What the exercise comes to; nil where it is absent.
  static func imported() throws -> (log: MemoryLog, usage: MemoryUsage, report: CloudTrailReport, folder: String)? {
    guard let folder = Exercise.found() else { return nil }
    let (log, usage) = (MemoryLog(), MemoryUsage())
    let report = try CloudTrailImport.testing([folder + "/"]).run(into: log, usage: usage)
    return (log, usage, report, folder)
  }

  static let account = "123837392027"
  static func arn(_ rest: String) -> String { "arn:aws:iam::\(account):\(rest)" }

  @Test func `usage is what was computed elsewhere`() throws {
    guard let (_, usage, report, folder) = try Self.imported() else { return }
    #expect((report.files, report.records, report.duplicates, report.invalid.count) == (55, 2900, 0, 0))
    struct Key: Hashable {
      let principal: String
      let action: String
    }
    struct Sum: Equatable {
      var first = ""
      var last = ""
      var allowed: Int64 = 0
      var denied: Int64 = 0
      var failed: Int64 = 0
    }
    var sums: [Key: Sum] = [:]
    for record in usage.records.sorted(by: { $0.at < $1.at }) {
      let key = Key(principal: record.identity, action: record.sourceAction ?? "")
      var sum = sums[key] ?? Sum(first: "\(record.at)")
      sum.last = "\(record.at)"
      switch record.outcome {
      case .allowed: sum.allowed += 1
      case .denied: sum.denied += 1
      case .failed: sum.failed += 1
      }
      sums[key] = sum
    }
    let expected = try Exercise.lines("usage", in: folder)
    for line in expected {
      func instant(_ name: String) throws -> String { "\(try Instant(rfc3339: line[name]?.stringValue ?? ""))" }
      let key = Key(principal: line["principal"]?.stringValue ?? "", action: line["action"]?.stringValue ?? "")
      let sum = Sum(
        first: try instant("first"), last: try instant("last"), allowed: line["allowed"]?.integerValue ?? -1,
        denied: line["denied"]?.integerValue ?? -1, failed: line["other_errors"]?.integerValue ?? -1)
      #expect(sums[key] == sum, "\(key)")
    }
    #expect(sums.count == expected.count)
  }

  @Test func `grants are what was computed elsewhere`() throws {
    guard let (log, _, report, folder) = try Self.imported() else { return }
    for (remark, count) in report.remarks.sorted(by: { $0.key < $1.key }) { print("not understood: \(remark) (\(count))") }
    let expected = try Exercise.lines("grants", in: folder)
    var found: Set<String> = []
    for line in expected {
      func text(_ name: String) -> String { line[name]?.stringValue ?? "" }
      let from = try Instant(rfc3339: text("from"))
      let to = try Instant(rfc3339: text("to"))
      let granted = fact(text("kind"), text("subject"), text("object"), from, log)
      let fact = try #require(granted, "\(text("kind")) \(text("subject"))")
      let spans = log.world.holds(fact).filter { span in span.from == from }
      #expect(spans.map(\.to) == [to], "\(text("kind")) \(text("subject")) \(text("object"))")
      let event = try #require(log.events.first { $0.moment == spans.first?.begun })
      #expect(event.authority.actor?.id == text("by") && event.authority.ticket?.key == text("event"))
      #expect((event.commandID, event.basis, event.source) == (text("event"), .observed, "cloudtrail:\(Self.account)"))
      #expect(event.authority.reason?.contains(" from 192.168.10.20") == true)
      let ending = log.events.last { $0.effectiveAt == to && $0.writes.contains { $0.fact == fact && $0.effect == .ends } }
      if let ending { #expect(ending.authority.actor?.id == text("ended_by")) }
      found.insert("\(fact) \(from)")
    }
    #expect(found.count == expected.count)
    // And nothing else of these kinds: what the log has of them is expected, apart from what was there before.
    let others = log.world.facts(from: "cloudtrail:\(Self.account)").flatMap { fact -> [String] in
      guard counts(fact, log) else { return [] }
      return log.world.holds(fact).filter { $0.to != nil }.map { "\(fact) \($0.from)" }
    }
    #expect(Set(others).subtracting(found) == [])
  }

  private func fact(_ kind: String, _ subject: String, _ object: String, _ from: Instant, _ log: MemoryLog) -> Fact? {
    let user = Self.arn("user/\(subject)")
    let role = Self.arn("role/\(subject)")
    func attached(_ principal: Entity, _ role: String) -> Fact? {
      log.world.facts(about: principal).first { fact in
        guard case .assignment = fact, let span = log.world.holds(fact).first, case .grant(let grant) = span.value else {
          return false
        }
        return grant.role == role && span.from == from && grant.scope == "aws/\(Self.account)"
      }
    }
    return switch kind {
    case "user": .existence(.identity(user))
    case "role": .existence(.identity(role))
    case "access-key": .existence(.credential(object))
    case "login-profile": .existence(.credential("\(user)/login-profile"))
    case "user-attached": attached(.identity(user), object)
    case "role-attached": attached(.identity(role), object)
    case "role-inline": attached(.identity(role), "\(role)/inline/\(object)")
    default: nil
    }
  }

  /// Whether a fact is of the kinds that the expectation lists.
  private func counts(_ fact: Fact, _ log: MemoryLog) -> Bool {
    switch fact {
    case .existence(let entity) where entity.kind == .identity:
      return entity.id.contains(":user/") || entity.id.contains(":role/")
    case .existence(let entity) where entity.kind == .credential:
      return entity.id.hasPrefix("AKIA") || entity.id.hasSuffix("login-profile")
    case .assignment:
      guard case .grant(let grant)? = log.world.holds(fact).first?.value else { return false }
      let isAttached = grant.role.contains(":policy/") || grant.role.contains("/inline/")
      return isAttached && grant.scope == "aws/\(Self.account)"
    default: return false
    }
  }
}
