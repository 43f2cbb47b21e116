import EventLog
import Governance
import Synchronization
import Temporal

extension SampleOrganisation {
  /// What became of a loading.
  enum Loading: Hashable, Sendable {
    /// The sample was recorded, or what was missing of it; so many of its events are new.
    case loaded(events: Int64)
    /// All of it was there already; nothing was recorded.
    case alreadyThere(events: Int64)
    /// The tenant holds something else; it was left alone.
    case leftAlone(tenant: String)
  }

  /// The clock of the story, which stands still until the loader sets it.
  final class Clock: Sendable {
    private let instant = Mutex(Instant(ofStory: "2024-01-08T08:00:00Z"))

    /// The clock as the settings of a store take it.
    var wallClock: WallClock {
      { self.instant.withLock { $0 } }
    }

    fileprivate func set(to next: Instant) { instant.withLock { $0 = next } }
  }

  /// Records the sample in a tenant, which is made where there is none, with the story's own recording instants.
  ///
  /// Safe to kill and to run again: it goes on after the last batch that is there. Blocks; one transaction a batch the first
  /// time, one round trip afterwards.
  /// - Parameters:
  ///   - store: a store opened with `clock.wallClock` and used for nothing else, since it lives in the story's time.
  ///   - progress: told after each batch how many of all batches are recorded.
  /// - Throws: `EventLogError`, `SubmissionFailure`, or what the database says.
  static func load(
    into store: EventStore, clock: Clock, tenant name: String, progress: (_ done: Int64, _ total: Int64) -> Void = { _, _ in }
  ) throws -> Loading {
    let tenant = try store.findOrCreate(tenant: name)
    let story = submissions()
    let head = tenant.head.position
    guard try begins(tenant, with: story, upTo: head) else { return .leftAlone(tenant: name) }

    var position: Int64 = 0
    var recorded: Int64 = 0
    for (index, batch) in story.enumerated() {
      let events = Int64(batch.eventCount)
      position += events
      if position <= head { continue }
      clock.set(to: batch.recordedAt)
      _ = try tenant.submitAndWait(batch.submission)
      recorded += events
      progress(Int64(index) + 1, Int64(story.count))
    }
    // Told at the end of the story; again where a loading was cut short between.
    clock.set(to: Instant(ofStory: "2026-01-01T00:00:00Z"))
    if recorded > 0 || head == position { try recordUsage(in: tenant) }
    return recorded == 0 ? .alreadyThere(events: position) : .loaded(events: recorded)
  }

  /// Whether the log begins with the story as far as both go: the first and the last event in question carry its keys.
  ///
  /// Others may have added to a story that is whole. One that was cut short and then added to is somebody else's tenant.
  private static func begins(
    _ tenant: Tenant, with story: [SampleBatch], upTo head: Int64
  ) throws -> Bool {
    if head == 0 { return true }
    let keys = story.flatMap { Array(repeating: $0.submission.commandID, count: $0.eventCount) }
    let last = min(head, Int64(keys.count))
    let ends = try tenant.events(at: [1, last]).map(\.event)
    return !ends.isEmpty && ends.allSatisfy { $0.commandID == keys[Int($0.position) - 1] }
  }
}
