import AccessGraph
import EventLog
import Governance
import Temporal
import TestSupport
import Testing

@testable import tenure

/// The sample organisation, loaded from its relation rows, against the graph that its events were folded into.
@Suite struct SampleLoadingTests {
  @Test func `the sample is the same organisation to a process that loads it`() throws {
    let name = ScratchDatabase.tenantName()
    let clock = SampleOrganisation.Clock()
    let writing = try ScratchDatabase.store(EventStore.Settings(clock: clock.wallClock))
    _ = try SampleOrganisation.load(into: writing, clock: clock, tenant: name)
    let written = try #require(try writing.find(tenant: name))
    let reading = try ScratchDatabase.store()
    let loaded = try #require(try reading.find(tenant: name))
    defer {
      reading.close()
      writing.close()
    }
    #expect(loaded.head == written.head)
    #expect(loaded.head.position > 100)
    let answers = try [written, loaded].map { tenant in try tenant.read(Self.answers) }
    #expect(answers[0] == answers[1])
    #expect(answers[0].count > 20)
  }

  /// Everything at many moments, as known at the end and half way.
  private static func answers(_ graph: AccessGraph) -> [String] {
    var texts: [String] = []
    for k in [graph.position, graph.position / 2] {
      let world = graph.world(asKnownAt: k)
      texts += (1...graph.position).map { "\(world.event(at: $0).debugDescription)" }
      for year in 2022...2026 {
        for month in ["01", "04", "07", "10"] {
          let view = Viewpoint(at: Instant(ofStory: "\(year)-\(month)-15T12:00:00Z"), asKnownAt: k)
          texts.append("\(graph.snapshot(resource: nil, from: view, after: nil, limit: 10_000))")
        }
      }
    }
    return texts
  }
}
