import AccessGraph
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
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

@Suite struct `What the exercise shared with the outside` {
  /// An event that shared something, and what Tenure must say of it.
  struct Sharing: CustomTestStringConvertible {
    let name: String
    let event: String
    let who: String
    let action: String
    let resource: String
    let from: String
    let to: String
    var testDescription: String { name }
  }

  static let account = "aws/123837392027"
  static let role = "identity/arn:aws:iam::123837392027:role/"
  static let anchor = "arn:aws:rolesanywhere:us-east-1:123837392027:trust-anchor/49e25ec3-bdfe-4150-8683-b4ea4ee85cfd"

  static let all = [
    Sharing(
      name: "PutBucketPolicy for another account", event: "PutBucketPolicy", who: "account:193672423079",
      action: "s3:GetObject",
      resource: "\(account)/arn:aws:s3:::stratus-red-team-bdbp-lhfzvgcamn/secret", from: "12:22:41", to: "12:28:24"),
    Sharing(
      name: "ModifySnapshotAttribute", event: "ModifySnapshotAttribute", who: "account:012345678912",
      action: "ec2:CreateVolume",
      resource: "\(account)/arn:aws:ec2:us-east-1::snapshot/snap-083d3b857c13988bc", from: "12:11:28", to: "12:11:57"),
    Sharing(
      name: "ModifyImageAttribute", event: "ModifyImageAttribute", who: "account:012345678901", action: "ec2:RunInstances",
      resource: "\(account)/arn:aws:ec2:us-east-1::image/ami-0aa1d83d0b0985c86", from: "12:11:01", to: "12:11:57"),
    Sharing(
      name: "ModifyDBSnapshotAttribute", event: "ModifyDBSnapshotAttribute", who: "account:193672423079",
      action: "rds:RestoreDBInstanceFromDBSnapshot",
      resource: "\(account)/arn:aws:rds:us-east-1:123837392027:snapshot:exfiltration", from: "12:22:06", to: "12:28:24"),
    Sharing(
      name: "AddPermission for everyone", event: "AddPermission20150331v2", who: "everyone", action: "lambda:InvokeFunction",
      resource: "\(account)/arn:aws:lambda:us-east-1:123837392027:function:stratus-red-team-backdoor-f-func", from: "12:25:40",
      to: "12:28:24"),
    Sharing(
      name: "UpdateAssumeRolePolicy for another account", event: "UpdateAssumeRolePolicy", who: "account:193672423079",
      action: "identity:assume", resource: "\(role)stratus-red-team-backdoor-r-role", from: "12:24:11", to: "12:28:24"),
    Sharing(
      name: "CreateTrustAnchor and CreateProfile", event: "CreateProfile", who: anchor, action: "identity:assume",
      resource: "\(role)stratus-red-team-trust-anchor-role", from: "12:27:13", to: "12:28:24"),
    Sharing(
      name: "CreateRole for a service", event: "CreateRole", who: "ec2.amazonaws.com", action: "identity:assume",
      resource: "\(role)stratus-red-team-ec2-steal-credentials-role", from: "11:55:08", to: "12:08:39"),
    Sharing(
      name: "AddRoleToInstanceProfile", event: "AddRoleToInstanceProfile",
      who: "arn:aws:iam::123837392027:instance-profile/stratus-red-team-ec2-steal-credentials-instance",
      action: "identity:assume",
      resource: "\(role)stratus-red-team-ec2-steal-credentials-role", from: "11:55:11", to: "12:08:37"),
    Sharing(
      name: "PutBucketPolicy for a service", event: "PutBucketPolicy", who: "cloudtrail.amazonaws.com",
      action: "s3:GetBucketAcl",
      resource: "\(account)/arn:aws:s3:::stratus-red-team-ctlr-bucket-zqfsvooxqj", from: "12:00:25", to: "12:08:10"),
  ]

  @Test func `each names who got what, from when to when, by which event`() throws {
    guard let (log, _, report, _) = try `The exercise's trail`.imported() else { return }
    #expect(report.remarks == [:])
    let graph = log.graph
    for sharing in Self.all {
      let from = try Instant(rfc3339: "2023-07-10T\(sharing.from)Z")
      let to = try Instant(rfc3339: "2023-07-10T\(sharing.to)Z")
      for (t, isShared) in [
        (from.adding(microseconds: -1), false), (from, true), (to.adding(microseconds: -1), true), (to, false),
      ] {
        let entries = graph.who(
          .access(action: sharing.action, resource: sharing.resource), from: Viewpoint(at: t, asKnownAt: graph.position))
        let certain = entries.filter { $0.status == .allowed }.map(\.identity)
        #expect(certain.contains(sharing.who) == isShared, "\(sharing.name) at \(t)")
      }
      let granted = log.events.filter { event in
        guard case .assignmentGranted(_, let grant) = event.change, event.effectiveAt == from else { return false }
        return event.authority.reason?.contains(sharing.event) == true && !grant.principal.id.isEmpty
      }
      #expect(!granted.isEmpty, "\(sharing.name) names its event")
      guard sharing.who.hasPrefix("account:") || sharing.who == "everyone" || sharing.who == Self.anchor else { continue }
      let kinds = log.world.entries(of: .existence(.identity(sharing.who))).compactMap { entry in
        if case .begins(.identity(let kind), _) = entry.effect { kind } else { nil }
      }
      #expect(Set(kinds) == [.external], "\(sharing.who) is marked")
    }
  }

  @Test func `the trail that was told to record less has gaps, the one that is read has none`() throws {
    guard let (log, _, _, _) = try `The exercise's trail`.imported() else { return }
    let trail = "cloudtrail:arn:aws:cloudtrail:us-east-1:123837392027:trail/stratus-red-team-"
    func gaps(_ source: String) -> [String] {
      log.world.facts(from: "cloudtrail:123837392027").flatMap { fact -> [Span] in
        guard case .coverageGap(let named, _, _) = fact, named == source else { return [] }
        return log.world.holds(fact)
      }.map { "\($0.from)…\($0.to.map(\.description) ?? "")" }.sorted()
    }
    #expect(
      gaps(trail + "ctes-trail-qyxyekjbtk") == [
        "2023-07-10T12:00:08.000000Z…2023-07-10T12:07:49.000000Z", "2023-07-10T12:08:04.000000Z…9999-12-31T23:59:59.999999Z",
      ])
    #expect(gaps(trail + "ctlr-trail-zqfsvooxqj") == ["2023-07-10T12:08:04.000000Z…9999-12-31T23:59:59.999999Z"])
    #expect(gaps("cloudtrail:123837392027") == [])
    #expect(
      log.coverage(of: "cloudtrail:123837392027", "aws/123837392027") == [
        "2023-07-10T11:42:18.000000Z…2023-07-10T12:37:50.000001Z"
      ])
  }

  @Test func `in any parts it comes to the same, and again to nothing`() throws {
    guard let folder = Exercise.found() else { return }
    let whole = MemoryLog()
    _ = try CloudTrailImport.testing([folder]).run(into: whole, usage: MemoryUsage())
    let again = try CloudTrailImport.testing([folder]).run(into: whole, usage: MemoryUsage())
    #expect((again.events, again.recorded) == (0, 0))
    let files = try TrailFiles([folder]).paths
    for (seed, parts) in [(UInt64(3), 2), (4, 6)] {
      var random = SeededGenerator(seed: seed)
      let log = MemoryLog()
      var shares = Array(repeating: [String](), count: parts)
      for file in files { shares[random.below(parts)].append(file) }
      // One file comes in two of the parts.
      shares[0].append(files[random.below(files.count)])
      for share in shares where !share.isEmpty {
        _ = try CloudTrailImport.testing(share).run(into: log, usage: MemoryUsage())
      }
      var t = try Instant(rfc3339: "2023-07-10T11:42:00Z")
      let end = try Instant(rfc3339: "2023-07-10T12:40:00Z")
      while t < end {
        let (a, b) = (TrailHoldings(whole.world, at: t), TrailHoldings(log.world, at: t))
        #expect(a == b, "seed \(seed) at \(t): \(a.difference(from: b))")
        if a != b { return }
        t = t.adding(microseconds: 61_000_000)
      }
    }
  }
}
