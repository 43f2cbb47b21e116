public import Temporal

/// A stretch over which a fact has one value by its own entries; whether its ends exist is not looked at here.
public struct Span: Hashable, Sendable {
  /// First instant.
  public var from: Instant
  /// First instant no longer in it; nil for no end.
  public var to: Instant?
  /// The place in the fold of the entry that gives this stretch.
  public var entry: Moment
  /// The place of the entry that began the value: that entry itself, or for an extension the one it extends.
  public var begun: Moment
  /// The value.
  public var value: FactValue
  /// The end that the value carries of its own.
  public var expiresAt: Instant?
  /// The source of the entry.
  public var source: String

  /// The stretch of time.
  public var interval: Interval { Interval(from: from, to: to) }

  /// Whether the instant lies in the stretch.
  public func contains(_ t: Instant) -> Bool { from <= t && (to.map { t < $0 } ?? true) }

  /// Whether the stretch shares an instant with another.
  func overlaps(_ stretch: Interval) -> Bool {
    Interval(exactly: from, to: to).map { $0.overlaps(stretch) } ?? false
  }
}

extension Span {
  /// The stretches of a fact, in order, from its visible entries ordered by moment.
  ///
  /// Empty stretches are left out. O(entries).
  public static func spans(of entries: [Entry]) -> [Span] {
    var spans: [Span] = []
    var current: Span?
    for entry in entries {
      let at = entry.moment.effective
      switch entry.effect {
      case .begins(let value, let expiresAt):
        close(&current, at: at, into: &spans)
        current = Span(
          from: at, to: nil, entry: entry.moment, begun: entry.moment, value: value, expiresAt: expiresAt, source: entry.source)
      case .extends(let expiresAt):
        // Inert where the fact does not hold at this place: never begun, ended, or its end reached.
        guard var next = current, next.expiresAt.map({ at < $0 }) ?? true else { continue }
        close(&current, at: at, into: &spans)
        next.from = at
        next.entry = entry.moment
        next.expiresAt = expiresAt
        current = next
      case .ends:
        close(&current, at: at, into: &spans)
        current = nil
      }
    }
    close(&current, at: nil, into: &spans)
    return spans
  }

  private static func close(_ current: inout Span?, at end: Instant?, into spans: inout [Span]) {
    guard var span = current else { return }
    switch (end, span.expiresAt) {
    case (let end?, let expiry?): span.to = min(end, expiry)
    case (let end?, nil): span.to = end
    case (nil, let expiry): span.to = expiry
    }
    if span.to.map({ span.from < $0 }) ?? true { spans.append(span) }
  }
}

/// A stretch over which an entity existed without a break.
public struct Existence: Hashable, Sendable {
  /// The place in the fold where it began.
  public var since: Moment
  /// The place where it ended; nil for no end.
  public var until: Moment?

  /// A stretch.
  public init(since: Moment, until: Moment?) {
    self.since = since
    self.until = until
  }

  /// Whether a place in the fold lies in it.
  public func contains(_ moment: Moment) -> Bool { since <= moment && (until.map { moment < $0 } ?? true) }

  /// Whether the entity exists at t, after everything that takes effect at t.
  public func contains(_ t: Instant) -> Bool { since.effective <= t && (until.map { t < $0.effective } ?? true) }
}

extension Existence {
  /// The stretches of unbroken existence, from the visible entries of an existence fact.
  ///
  /// O(entries).
  /// - Parameter since: where the stretch began that the first of them goes on with; nil where there is none before it.
  public static func stretches(of entries: [Entry], since: Moment? = nil) -> [Existence] {
    var stretches: [Existence] = []
    var since = since
    for entry in entries {
      switch entry.effect {
      case .begins: since = since ?? entry.moment
      case .ends:
        if let begun = since { stretches.append(Existence(since: begun, until: entry.moment)) }
        since = nil
      case .extends: continue
      }
    }
    if let begun = since { stretches.append(Existence(since: begun, until: nil)) }
    return stretches
  }
}

extension World {
  /// The stretch of unbroken existence that a place in the fold lies in.
  public func existence(of entity: Entity, at moment: Moment) -> Existence? {
    Existence.stretches(of: entries(of: .existence(entity))).first { $0.contains(moment) }
  }

  /// Whether an entity exists at t.
  public func exists(_ entity: Entity, at t: Instant) -> Bool {
    Existence.stretches(of: entries(of: .existence(entity))).contains { $0.contains(t) }
  }

  /// The stretches over which a fact holds: its own, cut to where its ends have existed without a break since it began.
  public func holds(_ fact: Fact) -> [Span] {
    Span.spans(of: entries(of: fact)).compactMap { span in
      var span = span
      for end in fact.ends(span.value) {
        guard let existence = existence(of: end, at: span.begun) else { return nil }
        if let until = existence.until { span.to = span.to.map { min($0, until.effective) } ?? until.effective }
      }
      return span.to.map { span.from < $0 } ?? true ? span : nil
    }
  }

  /// What a fact has as its value at t, its ends existing; nil where it does not hold.
  public func value(of fact: Fact, at t: Instant) -> Span? { holds(fact).first { $0.contains(t) } }
}
