import AccessGraph
import Cryptography
import Governance
import JSON
import Relations
import Temporal

/// Decides batches one after another above the published position of a graph; what it applies is tentative.
struct Decider {
  let replica: Replica
  let settings: EventStore.Settings
  /// What the relation tables will say, batch by batch.
  var relations = RelationChanges()
  /// The head as it will be after the batches decided so far.
  var head: Head
  private let random: RandomReserve

  init(replica: Replica, settings: EventStore.Settings, head: Head) {
    self.replica = replica
    self.settings = settings
    self.head = head
    random = RandomReserve(settings.randomness)
  }

  /// Decides a batch and applies its events above what is applied already.
  ///
  /// What a rule forbids of the grant of a request fails the request, of a reduction its execution, and that is recorded.
  ///
  /// - Throws: `Refusal`, after which nothing of the batch is left in the graph.
  mutating func decide(_ waiting: Appender.Waiting) throws(Refusal) -> DecidedBatch {
    do throws(Refusal) {
      return try decide(waiting, failing: nil)
    } catch {
      guard error.isBreach, let only = waiting.submission.commands.first, waiting.submission.commands.count == 1,
        only.change.failsByRule
      else { throw error }
      return try decide(waiting, failing: error)
    }
  }

  private mutating func decide(_ waiting: Appender.Waiting, failing: Refusal?) throws(Refusal) -> DecidedBatch {
    let start = head.position
    do throws(Refusal) {
      let batch = try attempt(waiting, failing: failing)
      guard let last = batch.events.last else { return batch }
      head.position = last.event.position
      head.recordedAt = batch.recordedAt
      return batch
    } catch {
      replica.graph.change { $0.undo(to: start) }
      throw error
    }
  }

  private mutating func attempt(_ waiting: Appender.Waiting, failing: Refusal?) throws(Refusal) -> DecidedBatch {
    let submission = waiting.submission
    let commandID = waiting.commandID
    try Self.checkCount(submission)
    let recordedAt = max(settings.clock(), head.recordedAt?.next ?? .earliest)
    var batch = BatchInProgress(
      submission: submission, commandID: commandID, recordedAt: recordedAt, position: head.position, settings: settings,
      random: random, failing: failing)
    try requirePremises(of: submission)
    if submission.commands.count == 1 {
      try replica.graph.change { graph throws(Refusal) in
        try batch.decide(at: 0, in: graph)
        try batch.conclude(in: graph, &relations)
      }
    } else {
      // The exclusive side is taken for one command at a time, so that readers come between those of a large batch.
      for index in submission.commands.indices {
        do throws(Refusal) {
          try replica.graph.change { graph throws(Refusal) in try batch.decide(at: index, in: graph) }
        } catch {
          throw submission.locate(error, command: index)
        }
      }
      try replica.graph.change { graph throws(Refusal) in try batch.conclude(in: graph, &relations) }
    }
    let digest = waiting.fingerprint.kept(salt: batch.personal.first?.salt)
    return DecidedBatch(
      commandID: commandID, digest: digest, recordedAt: recordedAt, events: batch.events, personal: batch.personal)
  }

  /// Refuses a batch that was made from what is no longer so.
  private func requirePremises(of submission: Submission) throws(Refusal) {
    if submission.premises.isEmpty { return }
    try replica.graph.change { graph throws(Refusal) in
      let world = graph.world(asKnownAt: graph.appliedPosition)
      if submission.premises.allSatisfy({ $0.holds(in: world) }) { return }
      throw Refusal(.changedMeanwhile, "what this rests on was changed while it was made; ask again")
    }
  }

  private static func checkCount(_ submission: Submission) throws(Refusal) {
    if submission.commands.isEmpty { throw Refusal(.malformed, "must have at least one command", at: "/commands") }
    if submission.commands.count > Limits.commandsPerBatch {
      throw Refusal(.limitExceeded, "must have at most \(Limits.commandsPerBatch) commands", at: "/commands")
    }
  }
}

extension Change {
  /// Whether what a rule forbids of its consequences is recorded as its failure.
  fileprivate var failsByRule: Bool {
    switch self {
    case .request, .reviewItem: true
    default: false
    }
  }
}

extension Submission {
  /// The refusal with its pointer into the batch; that of a single command points into the command.
  func locate(_ refusal: Refusal, command index: Int) -> Refusal {
    guard commands.count > 1 else { return refusal }
    var refusal = refusal
    refusal.pointer = "/commands/\(index)" + refusal.pointer
    return refusal
  }
}

/// Random bytes fetched for many identifiers at a time: the fetch costs more than the bytes.
private final class RandomReserve {
  /// Bytes of one fetch.
  private static let fetchedBytes = 320

  private let source: Randomness
  private var bytes: [UInt8] = []
  private var used = 0

  init(_ source: @escaping Randomness) { self.source = source }

  /// So many bytes that nobody else gets.
  func take(_ count: Int) -> [UInt8] {
    if used + count > bytes.count {
      bytes = source(max(count, Self.fetchedBytes))
      used = 0
    }
    defer { used += count }
    return Array(bytes[used..<used + count])
  }
}

/// One atomic batch while it is decided.
private struct BatchInProgress {
  let submission: Submission
  let commandID: String
  let recordedAt: Instant
  /// The last position applied.
  var position: Int64
  let settings: EventStore.Settings
  let random: RandomReserve
  /// What a rule said when the batch was decided before.
  let failing: Refusal?
  var relations = RelationBatch()
  var events: [RecordedEvent] = []
  var personal: [PersonalRow] = []
  /// What each command changed, and the facts that its voiding laid open.
  var outcomes: [(changes: [Change], voided: [Fact])] = []

  /// Decides one command in the world that the ones before it made, and applies its events.
  mutating func decide(at index: Int, in graph: AccessGraph) throws(Refusal) {
    let command = submission.commands[index]
    try Sealing.refuseSealed(command.change)
    let context = DecisionContext(
      recordedAt: recordedAt, source: submission.source, mode: submission.mode, failing: failing)
    let world = graph.world(asKnownAt: graph.appliedPosition)
    var voided: [Fact] = []
    if case .eventVoided(let target) = command.change { voided = world.event(at: target)?.facts ?? [] }
    let drafts = try Governance.decide(command, in: context, world: world)
    for draft in drafts { try apply(draft, to: graph) }
    outcomes.append((drafts.map(\.change), voided))
  }

  /// Judges the whole batch, now that it stands, and adds the changes of rows that it comes to.
  mutating func conclude(in graph: AccessGraph, _ changes: inout RelationChanges) throws(Refusal) {
    try judge(in: graph)
    if events.isEmpty { return }
    changes.record(relations, in: graph.world(asKnownAt: graph.appliedPosition), lastPosition: position)
  }

  /// Asks, once the whole batch stands, which rules it breaches: refuses it, or records what an observation found, and what
  /// a policy says is to be recorded.
  private mutating func judge(in graph: AccessGraph) throws(Refusal) {
    var raised: Set<Finding> = []
    // Of a refused batch the last command that has a part in the breach is named: the one that brings it about.
    let order = submission.mode == .governed ? Array(outcomes.indices.reversed()) : Array(outcomes.indices)
    for index in order {
      let outcome = outcomes[index]
      let world = graph.world(asKnownAt: graph.appliedPosition)
      let found = breaches(of: outcome.changes, voiding: outcome.voided, in: world)
      if submission.mode == .governed, let breach = found.first(where: \.isRefused) {
        throw submission.locate(breach.refusal, command: index)
      }
      let command = submission.commands[index]
      // What is found about the future is found now.
      let at = min(command.effectiveAt ?? recordedAt, recordedAt)
      for (place, breach) in found.enumerated() where raised.insert(breach.finding).inserted {
        // Of one finding, said of several stretches, the last says what is to come.
        if found[(place + 1)...].contains(where: { $0.finding.id.isExactly(breach.finding.id) }) { continue }
        guard let finding = graph.world(asKnownAt: graph.appliedPosition).unsaid(breach.finding, at: at) else { continue }
        try apply(Draft(effectiveAt: at, authority: command.authority, change: .findingRaised(finding)), to: graph)
      }
    }
  }

  private mutating func apply(_ draft: Draft, to graph: AccessGraph) throws(Refusal) {
    var rows: [PersonalRow] = []
    let next = position + 1
    let change = Sealing.seal(draft.change, at: next, randomness: settings.randomness, into: &rows)
    let milliseconds = max(0, recordedAt.microseconds / 1000)
    let id = UUIDv7(milliseconds: milliseconds, random: random.take(UUIDv7.randomByteCount))
    let event = Event(
      position: next, eventID: id.description, effectiveAt: draft.effectiveAt, dueAt: draft.dueAt, recordedAt: recordedAt,
      source: submission.source, basis: submission.basis, authority: draft.authority, recordedBy: submission.recordedBy,
      correlationID: submission.correlationID, commandID: commandID, change: change)
    let body = try Self.soundBody(of: event)
    relations.willApply(event, in: graph.world(asKnownAt: graph.appliedPosition))
    graph.apply(event)
    events.append(RecordedEvent(event: event, body: String(decoding: body, as: UTF8.self)))
    personal += rows
    position = next
  }

  /// The body of an event that is certain to be read again: what could not be would stop the tenant for good.
  private static func soundBody(of event: Event) throws(Refusal) -> [UInt8] {
    let form = EventCodec.form(of: event)
    let body = form.bytes
    guard body.count <= Limits.bodyBytes else {
      throw Refusal(.limitExceeded, "makes an event of \(body.count) bytes; the limit is \(Limits.bodyBytes)")
    }
    // Most events hold nothing that a reader could object to, which the writer saw; any other is read back to know.
    if !form.isCertain { try checkReadable(body, event) }
    return body
  }

  private static func checkReadable(_ body: [UInt8], _ event: Event) throws(Refusal) {
    if let document = try? JSONValue(parsing: body), document.holdsFraction {
      throw Refusal(.malformed, "must not hold numbers with a fraction; write them as strings")
    }
    let decoded: Event
    do throws(UndecodableEvent) {
      decoded = try EventCodec.decode(body, at: event.position)
    } catch {
      throw Refusal(.malformed, "cannot be recorded: \(error.problem)")
    }
    guard decoded == event else { throw Refusal(.malformed, "holds what an event cannot say") }
  }
}

extension JSONValue {
  /// Whether a number with a fraction, or one beyond 2^53, stands anywhere in it.
  var holdsFraction: Bool {
    switch self {
    case .number: true
    case .array(let items): items.contains(where: \.holdsFraction)
    case .object(let members): members.contains { $0.value.holdsFraction }
    case .null, .bool, .integer, .string: false
    }
  }
}
