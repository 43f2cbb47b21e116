import AccessGraph
import Governance
import JSON
import Temporal
import Testing

@testable import Connectors

@Suite struct `A growing trail` {
  @Test func `finds what a resource shares without all that an account was ever given`() throws {
    let shares = 60
    let log = MemoryLog()
    let folder = ScratchTrail()
    folder.write(
      (0..<shares).map { number in
        record(
          "ec2:ModifySnapshotAttribute", at: Instant(microseconds: (1_700_000_000 + Int64(number)) * 1_000_000).description,
          id: "share-\(number)",
          request: [
            "snapshotId": .string("snap-\(number)"),
            "createVolumePermission": ["add": ["items": [["userId": "444455556666"]]]],
          ])
      })
    _ = try CloudTrailImport.testing([folder.path]).run(into: log, usage: MemoryUsage())
    let receiver = Entity.identity("account:444455556666")
    let seen = Sightings()
    let world = PlannedWorld(WatchedWorld(base: log.world, seen: seen))
    let held = world.assignments(role: "arn:aws:ec2:us-east-1::snapshot/snap-7/share", principal: receiver)
    #expect(held.map(\.grant.principal) == [receiver])
    #expect(seen.facts < 5)
    #expect(world.assignments(of: receiver).count == shares)
    #expect(seen.facts >= shares)
  }

  @Test func `finds the silences after many switches`() {
    func t(_ second: Int64) -> Instant { Instant(microseconds: second * 1_000_000) }
    let switches = [(at: t(10), isOn: false), (at: t(20), isOn: true), (at: t(30), isOn: false), (at: t(50), isOn: true)]
    // Between the second pair there are records: another trail told them.
    let instants = [1, 10, 20, 30, 40, 50].map(t)
    #expect(TrailCoverage.silences(switches, instants) == [Interval(exactly: t(10).next, to: t(20))])
    #expect(TrailCoverage.silences(switches, []) == [])
  }
}

/// How many facts were given to whoever asked for all of an entity.
private final class Sightings {
  var facts = 0
}

/// A world that counts them.
private struct WatchedWorld<Base: World>: World {
  let base: Base
  let seen: Sightings

  var position: Int64 { base.position }
  var requestApprovers: [String] { base.requestApprovers }
  func known(at position: Int64) -> Self { Self(base: base.known(at: position), seen: seen) }
  func entries(of fact: Fact) -> [Entry] { base.entries(of: fact) }
  func valuesEver(of fact: Fact) -> [FactValue] { base.valuesEver(of: fact) }
  func voidings(of fact: Fact) -> [Int64] { base.voidings(of: fact) }
  func facts(about entity: Entity) -> [Fact] {
    let facts = base.facts(about: entity)
    seen.facts += facts.count
    return facts
  }
  func facts(from source: String) -> [Fact] { base.facts(from: source) }
  func assignments(of end: Entity, notEndedBy t: Instant) -> [Fact] {
    let facts = base.assignments(of: end, notEndedBy: t)
    seen.facts += facts.count
    return facts
  }
  func named(_ kind: EntityKind) -> [String] { base.named(kind) }
  func policies(ofType type: PolicyType) -> [String] { base.policies(ofType: type) }
  func elevation(_ policy: String, at t: Instant) -> Elevation? { base.elevation(policy, at: t) }
  func requests(since instant: Instant) -> [String] { base.requests(since: instant) }
  func requests(approvedBy approver: String) -> [String] { base.requests(approvedBy: approver) }
  func credentials(of end: CredentialEnd) -> [String] { base.credentials(of: end) }
  func hasUsed(assignment id: String) -> Bool { base.hasUsed(assignment: id) }
  func event(at position: Int64) -> EventSummary? { base.event(at: position) }
}
