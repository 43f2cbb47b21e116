public import AccessGraph
public import EventLog
import Governance
public import Temporal

/// A moment in the world as known at a moment of knowledge, before either is resolved.
public struct Knowledge: Hashable, Sendable {
  /// The moment in the world; nil for now.
  public var at: Instant?
  /// The moment of knowledge.
  public var asKnownAt: AsKnownAt

  /// A moment; the default is now, as known now.
  public init(at: Instant? = nil, asKnownAt: AsKnownAt = .head) {
    self.at = at
    self.asKnownAt = asKnownAt
  }
}

/// The questions that are asked of a tenant, by the API and by the command alike.
///
/// Every question runs on the caller's thread under the shared side of the graph's lock. One that is asked as known at the
/// head costs no round trip to PostgreSQL, another one costs one; `why` and `timeline` cost one more for the events behind
/// their steps. They throw `EventLogError`, or what the database throws.
public final class Questions: Sendable {
  /// How many paths `why` lists where the caller says nothing: more than a person reads.
  public static let usualPaths = 100

  let tenant: Tenant

  /// Questions about a tenant; keep the value only while they go on, for it holds the tenant in memory.
  public init(tenant: Tenant) {
    self.tenant = tenant
  }

  /// Who may do it, holds it or belongs to it at a moment.
  public func who(
    _ subject: WhoSubject, at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> WhoReport {
    try ask(at, asKnownAt) { graph, view in
      let holders = graph.who(subject, from: view)
      return WhoReport(
        subject: subject, view: view, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: subject.resource, at: view.at),
        holders: holders, eligible: graph.eligible(subject, from: view, beside: holders),
        becoming: graph.becoming(subject, from: view, beside: holders))
    }
  }

  /// Everyone who had it at any time in a stretch, and when.
  public func who(
    _ subject: WhoSubject, during stretch: Interval, asKnownAt: AsKnownAt = .head
  ) throws -> WhoDuringReport {
    try ask(nil, asKnownAt) { graph, view in
      let holders = graph.who(subject, during: stretch, asKnownAt: view.asKnownAt)
      return WhoDuringReport(
        subject: subject, during: stretch, asKnownAt: view.asKnownAt, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: subject.resource, during: stretch), holders: holders,
        becoming: graph.becoming(during: stretch, asKnownAt: view.asKnownAt, beside: holders))
    }
  }

  /// What an identity may do at a moment.
  public func what(_ identity: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> WhatReport {
    try ask(at, asKnownAt) { graph, view in
      WhatReport(
        identity: identity, isKnown: isKnown(identity, in: graph, view), view: view, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: nil, at: view.at),
        rights: graph.what(identity, from: view), eligible: graph.obtainable(by: identity, from: view),
        becoming: graph.becoming(from: identity, from: view))
    }
  }

  /// Everything that an identity could do at any time in a stretch, and when.
  public func what(
    _ identity: String, during stretch: Interval, asKnownAt: AsKnownAt = .head
  ) throws -> WhatDuringReport {
    try ask(nil, asKnownAt) { graph, view in
      WhatDuringReport(
        identity: identity, isKnown: isKnown(identity, in: graph, view, during: stretch), during: stretch,
        asKnownAt: view.asKnownAt, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: nil, during: stretch),
        rights: graph.what(identity, during: stretch, asKnownAt: view.asKnownAt),
        becoming: graph.becoming(from: identity, during: stretch, asKnownAt: view.asKnownAt))
    }
  }

  /// Whether an identity may do it, by which paths, and by whose authority each step is there.
  ///
  /// - Parameter limit: how many paths are listed; the status is right all the same.
  public func why(
    _ identity: String, action: String, resource: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head,
    limit: Int = usualPaths
  ) throws -> WhyReport {
    var report = try ask(at, asKnownAt) { graph, view in
      let answer = graph.why(identity, action: action, resource: resource, from: view, limit: limit)
      return WhyReport(
        identity: identity, action: action, resource: resource, view: view, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: resource, at: view.at), answer: answer,
        eligible: graph.eligible(identity, action: action, resource: resource, from: view, unless: answer.status),
        becoming: graph.becoming(identity, action: action, resource: resource, from: view), events: [:])
    }
    let steps = report.becoming.ways.flatMap { $0.steps.map(\.position) + ($0.path?.steps.map(\.position) ?? []) }
    report.events = try notes(report.answer.paths.flatMap { $0.steps.map(\.position) } + steps)
    return report
  }

  /// Each gain and loss of an identity in a stretch, with the events that caused it.
  public func timeline(
    _ identity: String, resource: String? = nil, during stretch: Interval = .always, asKnownAt: AsKnownAt = .head
  ) throws -> TimelineReport {
    try timeline(identity, resource: resource, during: stretch, asKnownAt: asKnownAt, turns: 0..<Int.max)
  }

  /// What was gained and lost between two moments, or between two states of knowledge of one.
  ///
  /// - Parameters:
  ///   - resource: scopes at, above or below it; nil for all.
  ///   - identity: one identity; nil for all.
  public func diff(
    resource: String? = nil, identity: String? = nil, from first: Knowledge, to second: Knowledge
  ) throws -> DiffReport {
    let known = try position(first.asKnownAt)
    return try ask(second.at, second.asKnownAt) { graph, view in
      let before = Viewpoint(at: first.at ?? tenant.now, asKnownAt: known ?? graph.position)
      return DiffReport(
        resource: resource, identity: identity, first: before, second: view, position: graph.position,
        firstCoverage: survey(graph, before.asKnownAt).coverage(of: resource, at: before.at),
        coverage: survey(graph, view.asKnownAt).coverage(of: resource, at: view.at),
        difference: graph.diff(resource: resource, identity: identity, from: before, to: view))
    }
  }

  /// All entitlements at a moment, to be taken slice by slice.
  public func snapshot(
    resource: String? = nil, at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> Snapshot {
    try ask(at, asKnownAt) { graph, view in
      Snapshot(
        tenant: tenant, resource: resource, view: view, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: resource, at: view.at))
    }
  }
}

extension Questions {
  /// Resolves the instants and lends the graph.
  func ask<Answer>(
    _ at: Instant?, _ asKnownAt: AsKnownAt, _ body: (AccessGraph, Viewpoint) throws -> Answer
  ) throws -> Answer {
    let known = try position(asKnownAt)
    return try tenant.read { graph in
      try body(graph, Viewpoint(at: at ?? tenant.now, asKnownAt: known ?? graph.position))
    }
  }

  /// The k that is asked for; nil for the head.
  private func position(_ asKnownAt: AsKnownAt) throws -> Int64? {
    if asKnownAt == .head { return nil }
    do {
      return try tenant.position(asKnownAt)
    } catch EventLogError.futurePosition {
      // Another process may have appended it.
      try tenant.catchUp()
      return try tenant.position(asKnownAt)
    }
  }

  /// A timeline with only some of its turns, so that only their events are fetched.
  func timeline(
    _ identity: String, resource: String?, during stretch: Interval, asKnownAt: AsKnownAt, turns wanted: Range<Int>
  ) throws -> TimelineReport {
    var report = try ask(nil, asKnownAt) { graph, view in
      let turns = graph.timeline(identity, resource: resource, during: stretch, asKnownAt: view.asKnownAt)
      var overruns = Overruns(graph: graph, identity: identity, asKnownAt: view.asKnownAt)
      return TimelineReport(
        identity: identity, isKnown: isKnown(identity, in: graph, view, during: stretch), resource: resource, during: stretch,
        asKnownAt: view.asKnownAt, position: graph.position,
        coverage: survey(graph, view.asKnownAt).coverage(of: resource, during: stretch),
        turns: turns[wanted.clamped(to: 0..<turns.count)].map { overruns.describe($0) }, events: [:], total: turns.count)
    }
    report.events = try notes(report.turns.flatMap { $0.turn.causes.map(\.position) })
    return report
  }

  func notes(_ positions: [Int64]) throws -> [Int64: EventNote] {
    guard !positions.isEmpty else { return [:] }
    let events = try tenant.events(at: Set(positions).sorted())
    return Dictionary(events.map { ($0.event.position, EventNote($0.event)) }) { first, _ in first }
  }

  func survey(_ graph: AccessGraph, _ k: Int64) -> CoverageSurvey {
    CoverageSurvey(graph: graph, asKnownAt: k, sources: graph.ids(of: .source))
  }

  private func isKnown(_ identity: String, in graph: AccessGraph, _ view: Viewpoint, during stretch: Interval? = nil) -> Bool {
    graph.world(asKnownAt: view.asKnownAt).entries(of: .existence(.identity(identity))).contains { entry in
      guard let stretch else { return entry.moment.effective <= view.at }
      return stretch.to.map { entry.moment.effective < $0 } ?? true
    }
  }
}

extension WhoSubject {
  /// The resource asked about, where it is one.
  var resource: String? {
    if case .access(_, let resource) = self { resource } else { nil }
  }
}
