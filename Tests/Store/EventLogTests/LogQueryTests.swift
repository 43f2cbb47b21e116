import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@Suite struct LogQueryTests {
  let store: EventStore
  let tenant: Tenant
  let clock = TestClock(second(0))

  init() throws {
    let clock = clock
    store = try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }))
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
    for number in 0..<10 {
      clock.now = second(Int64(number) * 10)
      var command = Command.register("i\(number)")
      if number == 3 {
        command.authority = Authority(actor: Actor(id: "root"), reason: "late", ticket: Ticket(system: "jira", key: "OPS-1"))
        command.effectiveAt = second(1)
      }
      try tenant.submitAndWait(number == 4 ? .observed(command) : .governed(command))
    }
    try tenant.submitAndWait(.governed(.create("ops")))
  }

  private func positions(_ change: (inout LogFilter) -> Void) throws -> [Int64] {
    var filter = LogFilter()
    change(&filter)
    return try tenant.log(filter).events.map(\.event.position)
  }

  @Test func `each filter shows what matches it`() throws {
    #expect(try positions { _ in } == Array(1...11))
    #expect(try positions { $0.actor = "root" } == [4])
    #expect(try positions { $0.ticket = "jira:OPS-1" } == [4])
    #expect(try positions { $0.source = "connector" } == [5])
    #expect(try positions { $0.type = "group.created" } == [11])
    #expect(try positions { $0.entity = .identity("i7") } == [8])
    #expect(try positions { $0.recorder = "nobody" } == [])
    #expect(try positions { $0.recorder = "test" }.count == 11)
    #expect(
      try positions {
        $0.effectiveFrom = second(0); $0.effectiveTo = second(10)
      } == [1, 4])
    #expect(
      try positions {
        $0.recordedFrom = second(20); $0.recordedTo = second(40)
      } == [3, 4])
    #expect(try positions { $0.through = 2 } == [1, 2])
    #expect(
      try positions {
        $0.actor = "root"; $0.type = "group.created"
      } == [])
  }

  @Test func `pages follow one another without gap or double`() throws {
    var seen: [Int64] = []
    var after: Int64? = 0
    while let position = after {
      let page = try tenant.log(LogFilter(), after: position, limit: 4)
      #expect(page.events.count <= 4)
      seen += page.events.map(\.event.position)
      after = page.next
    }
    #expect(seen == Array(1...11))
    #expect(try tenant.log(LogFilter(), limit: 11).next == nil)
    #expect(try tenant.log(LogFilter(), limit: 10).next == 10)
  }

  @Test func `a page ends where its bytes are many, after one event at least`() throws {
    let attributes = (0..<200).map { ("a\($0)", AttributeValue.open(.string(String(repeating: "x", count: 4000)))) }
    let large = Command(.resourceDescribed(path: "r", attributes: Dictionary(uniqueKeysWithValues: attributes)))
    for _ in 0..<8 { try tenant.submitAndWait(.observed(large)) }
    let page = try tenant.log(LogFilter(), after: 11)
    #expect(page.events.map(\.event.position) == Array(12...17))
    #expect(page.next == 17)
    #expect(try tenant.log(LogFilter(), after: 17).next == nil)
  }

  @Test func `an export is the bodies, in order and between two positions`() throws {
    var lines: [ExportedLine] = []
    try tenant.export(after: 2, through: 5) { lines.append($0) }
    #expect(lines.map(\.position) == [3, 4, 5])
    #expect(try lines.map(\.body) == tenant.events(at: [3, 4, 5]).map(\.body))
  }
}
