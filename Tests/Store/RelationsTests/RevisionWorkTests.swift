import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import Relations

/// What a further revision of something costs that has many.
@Suite struct `A further revision` {
  @Test func `looks at the entries next to it, however many there are, and so do an end and a return`() {
    let few = Self.work(revisions: 20)
    let many = Self.work(revisions: 400)
    // Two entries of each of three facts, before and after; a window would do with some more.
    #expect(many.worst == few.worst && many.worst <= 12, "\(few) \(many)")
    #expect(many.whole == 0)
    // Each revision closes one row of each fact and writes it shortened, and writes its own and its permission's.
    #expect(many.rows <= 400 * 12)
  }

  @Test(arguments: [UInt64](0..<40))
  func `the entries next to a moment are those that all entries say`(_ seed: UInt64) {
    let graph = AccessGraph()
    var random = SeededGenerator(seed: seed)
    var facts: [Fact] = []
    var known: Set<Fact> = []
    for event in RandomHistory.events(seed: seed) {
      graph.apply(event)
      for write in event.writes where known.insert(write.fact).inserted { facts.append(write.fact) }
      let k = Int64(random.below(Int(graph.appliedPosition) + 1))
      let world = graph.world(asKnownAt: random.chance(1, in: 2) ? graph.appliedPosition : k)
      for _ in 0..<3 where !facts.isEmpty {
        let fact = random.pick(facts)
        let moments = (0..<2).map { _ in
          Moment(RandomHistory.instant(&random), Int64(random.below(Int(graph.appliedPosition) + 2)))
        }.sorted()
        let around = moments[0]...moments[random.below(2)]
        let entries = world.entries(of: fact)
        let expected = EntryWindow(of: fact, among: entries, around: around)
        #expect(world.entries(of: fact, around: around) == expected, "seed \(seed), \(fact)")
        guard case .existence(let entity) = fact else { continue }
        let t = moments[0].effective
        let exists = Existence.stretches(of: entries).contains { $0.contains(t) }
        #expect(world.exists(entity, at: t) == exists, "seed \(seed), \(entity) at \(t)")
      }
    }
  }

  /// The most entries that a batch looked at, those got by asking for all of a fact, and the rows written.
  private static func work(revisions: Int) -> (worst: Int, whole: Int, rows: Int) {
    let graph = AccessGraph()
    let seen = Sightings()
    var (worst, rows) = (0, 0)
    for number in 0..<revisions {
      var batch = RelationBatch()
      let permission = Permission(actions: ["a\(number)"])
      var changes = [
        Change.roleDefined(
          id: "role", document: RoleDocument(permissions: [permission]),
          attributes: ["document": .open(.string("d\(number)")), "owner": .open(.string("o\(number)"))])
      ]
      // It comes and goes now and then.
      if number % 10 == 9 { changes.insert(.roleRetired(id: "role"), at: 0) }
      for change in changes {
        let event = Self.event(change, at: graph.appliedPosition + 1)
        batch.willApply(event, in: WatchedWorld(base: graph.world(asKnownAt: graph.appliedPosition), seen: seen))
        graph.apply(event)
      }
      let before = seen.near
      var written = RelationChanges()
      let world = WatchedWorld(base: graph.world(asKnownAt: graph.appliedPosition), seen: seen)
      written.record(batch, in: world, lastPosition: graph.appliedPosition)
      worst = max(worst, seen.near - before)
      rows += written.rowCount
    }
    return (worst, seen.whole, rows)
  }

  private static func event(_ change: Change, at position: Int64) -> Event {
    Event(
      position: position, eventID: "e\(position)", effectiveAt: Instant(microseconds: position * 1_000_000),
      recordedAt: Instant(microseconds: position * 1_000_000), source: "test", basis: .observed, authority: Authority(),
      recordedBy: Recorder(id: "test", authentication: "local"), change: change)
  }
}

/// How many entries were given out.
private final class Sightings {
  var (near, whole) = (0, 0)
}

/// A world that counts them.
private struct WatchedWorld<Base: World>: World {
  let base: Base
  let seen: Sightings

  var position: Int64 { base.position }
  var requestApprovers: [String] { base.requestApprovers }
  func known(at position: Int64) -> Self { Self(base: base.known(at: position), seen: seen) }
  func entries(of fact: Fact) -> [Entry] {
    let entries = base.entries(of: fact)
    seen.whole += entries.count
    return entries
  }
  func entries(of fact: Fact, around moments: ClosedRange<Moment>) -> EntryWindow {
    let window = base.entries(of: fact, around: moments)
    seen.near += window.entries.count
    return window
  }
  func valuesEver(of fact: Fact) -> [FactValue] { base.valuesEver(of: fact) }
  func voidings(of fact: Fact) -> [Int64] { base.voidings(of: fact) }
  func facts(about entity: Entity) -> [Fact] { base.facts(about: entity) }
  func facts(from source: String) -> [Fact] { base.facts(from: source) }
  func named(_ kind: EntityKind) -> [String] { base.named(kind) }
  func policies(ofType type: PolicyType) -> [String] { base.policies(ofType: type) }
  func elevation(_ policy: String, at t: Instant) -> Elevation? { base.elevation(policy, at: t) }
  func requests(since instant: Instant) -> [String] { base.requests(since: instant) }
  func requests(approvedBy approver: String) -> [String] { base.requests(approvedBy: approver) }
  func credentials(of end: CredentialEnd) -> [String] { base.credentials(of: end) }
  func hasUsed(assignment id: String) -> Bool { base.hasUsed(assignment: id) }
  func event(at position: Int64) -> EventSummary? { base.event(at: position) }
}
