import AccessGraph
import EventLog
import Governance
import Temporal
import TestSupport
import Testing

/// A graph folded from outlines of bodies against one folded from the events themselves, on random histories.
@Suite struct OutlineFoldTests {
  private static let seeds = UInt64(0)..<200

  @Test func `events that go in by their outlines come to the same as events that are decoded`() throws {
    var outlined = 0
    for seed in Self.seeds {
      let events = RandomHistory.events(seed: seed)
      let (whole, byOutline) = (AccessGraph(), AccessGraph())
      for event in events {
        whole.apply(event)
        let body = EventCodec.body(of: event)
        if let outline = EventOutline(scanning: body.span) {
          byOutline.apply(outline, body.span)
          outlined += 1
        } else {
          byOutline.apply(try EventCodec.decode(body, at: event.position))
        }
      }
      whole.publish()
      byOutline.publish()
      if let difference = Self.difference(whole, byOutline, events) {
        Issue.record("seed \(seed): \(difference)")
        return
      }
    }
    #expect(outlined > 1_000, "most events of these histories are of the usual kinds")
  }

  private static func difference(_ a: AccessGraph, _ b: AccessGraph, _ events: [Event]) -> String? {
    let head = Int64(events.count)
    let facts = Set(events.flatMap { $0.writes.map(\.fact) })
    for k in [head, head / 2] {
      let (x, y) = (a.world(asKnownAt: k), b.world(asKnownAt: k))
      for fact in facts where x.entries(of: fact) != y.entries(of: fact) { return "the entries of \(fact)" }
      for position in 1...head where x.event(at: position) != y.event(at: position) { return "the event at \(position)" }
      for event in events where x.facts(about: event.change.entity) != y.facts(about: event.change.entity) {
        return "the facts about \(event.change.entity)"
      }
      for source in Set(events.map(\.source)) where x.facts(from: source) != y.facts(from: source) {
        return "the facts from \(source)"
      }
      for event in events {
        let view = Viewpoint(at: event.effectiveAt, asKnownAt: k)
        if a.snapshot(resource: nil, from: view, after: nil, limit: .max)
          != b.snapshot(resource: nil, from: view, after: nil, limit: .max)
        {
          return "the snapshot at \(view)"
        }
      }
    }
    return nil
  }
}
