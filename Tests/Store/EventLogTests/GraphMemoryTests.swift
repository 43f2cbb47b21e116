import AccessGraph
import Dispatch
import Governance
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import EventLog

/// Graphs that together may take next to no memory: whoever is not asked leaves, and is loaded again when asked.
@Suite struct GraphMemoryTests {
  let store: EventStore
  let names = [ScratchDatabase.tenantName(), ScratchDatabase.tenantName()]

  init() throws {
    var settings = EventStore.Settings()
    settings.graphMemory = 1
    store = try ScratchDatabase.store(settings)
    for name in names { _ = try store.create(tenant: name) }
  }

  private var loaded: [String] { store.loadedTenants.map(\.name) }

  /// Nothing of it is kept: the tenant is held while the body runs.
  private func ask<T>(_ name: String, _ body: (Tenant) throws -> T) throws -> T {
    try body(try #require(try store.find(tenant: name)))
  }

  @Test func `the tenant asked last stays, the other leaves and comes back with everything`() throws {
    var taken: [Int] = []
    for round in 0..<3 {
      for name in names {
        let receipt = try ask(name) { tenant in
          // The answer comes before the appender rests; what has not rested stays.
          defer { tenant.replica.queue.sync {} }
          return try tenant.submitAndWait(.governed(.register("\(name)-\(round)")))
        }
        #expect(receipt.events == [Int64(round) + 1])
        #expect(loaded == [name])
        taken.append(store.loadedTenants.reduce(0) { $0 + $1.graphBytes })
        try ask(name) { tenant in
          #expect(tenant.head.position == Int64(round) + 1)
          let known = try (0...round).filter { try tenant.knows("\(name)-\($0)") }
          #expect(known.count == round + 1)
        }
      }
    }
    #expect(taken.allSatisfy { $0 > 0 })
  }

  @Test func `without a limit both stay, and with one memory goes down`() throws {
    let unlimited = try ScratchDatabase.store()
    for name in names { #expect(try unlimited.find(tenant: name) != nil) }
    #expect(unlimited.loadedTenants.map(\.name) == names.sorted())
    let all = unlimited.loadedTenants.reduce(0) { $0 + $1.graphBytes }
    for name in names { try ask(name) { _ in } }
    #expect(store.loadedTenants.reduce(0) { $0 + $1.graphBytes } < all)
  }

  @Test func `a tenant that somebody holds finishes on the graph that it began with`() throws {
    try ask(names[0]) { held in
      try held.submitAndWait(.governed(.register("ada")))
      try ask(names[1]) { _ in }
      #expect(Set(loaded) == Set(names))
      #expect(try held.knows("ada"))
      try held.submitAndWait(.governed(.register("bob")))
      let same = try ask(names[0]) { $0 === held }
      #expect(same)
    }
    let isKnown = try ask(names[0]) { try $0.knows("bob") }
    #expect(isKnown)
  }

  @Test func `what was submitted is recorded although nobody holds the tenant any more`() throws {
    let answers = Collected<Int64>()
    let isDone = DispatchSemaphore(value: 0)
    for number in 0..<40 {
      try ask(names[number % 2]) { tenant in
        tenant.submit(.governed(.register("i\(number)"))) { result in
          if let receipt = try? result.get() { answers.add(receipt.firstPosition ?? 0) }
          isDone.signal()
        }
      }
    }
    for _ in 0..<40 { isDone.wait() }
    #expect(answers.all.sorted() == (1...20).flatMap { [$0, $0] })
    for (index, name) in names.enumerated() {
      try ask(name) { tenant in
        let known = try (0..<20).filter { try tenant.knows("i\($0 * 2 + index)") }
        #expect(known.count == 20)
      }
    }
  }

  @Test func `threads that ask and append to both in turn are answered as if nothing ever left`() throws {
    try store.follow()
    defer { store.close() }
    let wrong = Collected<String>()
    let loads = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      for round in 0..<40 {
        let name = names[(worker + round) % 2]
        let id = "w\(worker)-\(round)"
        do {
          if store.loaded(tenant: name) == nil { loads.add(1, ordering: .relaxed) }
          let position = try ask(name) { try $0.submitAndWait(.governed(.register(id))).lastPosition ?? 0 }
          // Somebody else's question in between, so that this one leaves.
          try ask(names[(worker + round + 1) % 2]) { _ in }
          try ask(name) { tenant in
            if tenant.head.position < position { wrong.add("\(id) at \(position): the head is \(tenant.head.position)") }
            if try !tenant.knows(id) { wrong.add("\(id) is not known") }
          }
        } catch {
          wrong.add("\(id): \(error)")
        }
      }
    }
    #expect(wrong.all.isEmpty, "\(wrong.all.prefix(3))")
    #expect(loads.load(ordering: .relaxed) > 0)
    let positions = try names.map { name in try ask(name) { $0.head.position } }
    #expect(positions.reduce(0, +) == 160)
    for name in names {
      let isClean = try ask(name) { try $0.verify().isClean }
      #expect(isClean)
    }
  }
}
