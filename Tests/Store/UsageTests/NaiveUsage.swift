import Governance
import Temporal
import TestSupport

@testable import Usage

/// All that was told, and what follows from it by going through it: the reference.
struct NaiveUsage {
  struct Key: Hashable {
    let source: String
    let id: String
  }

  /// The first that was told of each; ids of the tests are ASCII.
  private(set) var records: [Key: UsageRecord] = [:]

  mutating func tell(_ batch: [UsageRecord], source: String) -> UsageReceipt {
    var receipt = UsageReceipt()
    for record in batch {
      let key = Key(source: source, id: record.id)
      if let first = records[key] {
        if first == record { receipt.repeated += 1 } else { receipt.conflicting += 1 }
      } else {
        records[key] = record
        receipt.new += 1
      }
    }
    return receipt
  }

  /// The roll-up by going through everything.
  func daily(_ isAsked: (UsageRecord) -> Bool = { _ in true }) -> [DailyUsage] {
    struct Group: Hashable {
      let identity: Entity
      let action: String
      let resource: Entity
      let day: UsageDay
    }
    let groups = Dictionary(grouping: records.values.filter(isAsked)) {
      Group(
        identity: .identity($0.identity), action: $0.action, resource: .resource($0.resource ?? ""), day: UsageDay(of: $0.at))
    }
    return groups.map { group, records in
      let times = records.map(\.at).sorted()
      let permitted = records.filter { $0.outcome != .denied }.map(\.at).sorted()
      return DailyUsage(
        identity: group.identity.id, action: group.action, resource: group.resource.id.isEmpty ? nil : group.resource.id,
        day: group.day, uses: Int64(records.count), denied: Int64(records.count { $0.outcome == .denied }),
        failed: Int64(records.count { $0.outcome == .failed }), firstUsed: times[0], lastUsed: times[times.count - 1],
        firstPermitted: permitted.first, lastPermitted: permitted.last)
    }.sorted { a, b in
      (a.identity, a.action, a.resource ?? "", a.day) < (b.identity, b.action, b.resource ?? "", b.day)
    }
  }
}

/// Random uses of few identities, actions and resources over some days, so that they meet.
struct RandomUsage {
  var generator: SeededGenerator
  /// The hours within which they are.
  var hours: Range<Int64>

  mutating func record(_ number: Int) -> UsageRecord {
    let at = hour(hours.lowerBound + Int64(generator.below(Int(hours.upperBound - hours.lowerBound))))
      .adding(microseconds: Int64(generator.below(3_600_000)) * 1_000)
    return UsageRecord(
      id: "use-\(number)", at: at, identity: generator.pick(["ada", "bob", "cy"]),
      action: generator.pick(["read", "write", "s3:GetObject"]),
      resource: generator.chance(1, in: 4) ? nil : generator.pick(["org/a", "org/a/b", "org/c"]),
      session: generator.chance(1, in: 3) ? generator.pick(["s1", "s2"]) : nil,
      credential: generator.chance(1, in: 2) ? generator.pick(["k1", "k2"]) : nil,
      address: generator.chance(2, in: 3) ? generator.pick(["192.0.2.1", "192.0.2.2", "ssm.example.com"]) : nil,
      outcome: generator.pick([.allowed, .allowed, .denied, .failed]))
  }
}
