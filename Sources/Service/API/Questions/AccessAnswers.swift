public import AccessGraph
public import Temporal

/// The answer to `who` at a moment.
public struct WhoReport: Report {
  /// What was asked.
  public var subject: WhoSubject
  /// The moment, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Sorted by identity.
  public var holders: [Holder]
  /// Who is not allowed it and could get it by a request, sorted by identity.
  public var eligible: [Eligible]
  /// Who comes to it better by becoming another identity.
  public var becoming: BecomingAnswer
}

/// The answer to `who` over a stretch; who was eligible is not looked at, and `eligible` is null.
public struct WhoDuringReport: Report {
  /// What was asked.
  public var subject: WhoSubject
  /// The stretch.
  public var during: Interval
  /// The last position that is known.
  public var asKnownAt: Int64
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Sorted by identity.
  public var holders: [StretchHolder]
  /// Who came to it better by becoming another identity, and when.
  public var becoming: StretchBecomingAnswer
}

/// The answer to `what` at a moment.
public struct WhatReport: Report {
  /// Whom it is about.
  public var identity: String
  /// Whether the identity was ever heard of up to that moment.
  public var isKnown: Bool
  /// The moment, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Sorted by right.
  public var rights: [HeldRight]
  /// What it could ask for, sorted; whether denies and boundaries would leave anything of it is not looked at.
  public var eligible: [Obtainable]
  /// Whom it may become.
  public var becoming: BecomingAnswer
}

/// The answer to `what` over a stretch; what could be asked for is not looked at, and `eligible` is null.
public struct WhatDuringReport: Report {
  /// Whom it is about.
  public var identity: String
  /// Whether the identity was ever heard of up to the end of the stretch.
  public var isKnown: Bool
  /// The stretch.
  public var during: Interval
  /// The last position that is known.
  public var asKnownAt: Int64
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Sorted by right.
  public var rights: [StretchRight]
  /// Whom it might become, and when.
  public var becoming: StretchBecomingAnswer
}

/// The answer to `why`.
public struct WhyReport: Report {
  /// Whom it is about.
  public var identity: String
  /// What is done.
  public var action: String
  /// To what.
  public var resource: String
  /// The moment, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// The decision and its paths.
  public var answer: WhyAnswer
  /// By which policies it could get the access; nil where it is allowed.
  public var eligible: [EligibleWay]?
  /// By becoming whom it comes to the access, whether it also does by itself or not.
  public var becoming: BecomingAnswer
  /// The events behind the steps, by position.
  public var events: [Int64: EventNote]
}

/// One gain or loss.
public struct TimelineTurn: Hashable, Sendable {
  /// What turned, when, and by which events.
  public var turn: Turn
  /// Of a loss: when it was due, where that was earlier.
  public var dueAt: Instant?
  /// Of a loss: how long it had been held without entitlement.
  public var withoutEntitlement: Overrun?
}

/// The answer to `timeline`.
public struct TimelineReport: Report {
  /// Whom it is about.
  public var identity: String
  /// Whether the identity was ever heard of up to the end of the stretch.
  public var isKnown: Bool
  /// Scopes at, above or below it; nil for all.
  public var resource: String?
  /// The stretch.
  public var during: Interval
  /// The last position that is known.
  public var asKnownAt: Int64
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Gains and losses by instant, losses first.
  public var turns: [TimelineTurn]
  /// The events behind the turns, by position.
  public var events: [Int64: EventNote]
  /// How many turns there are, those left out of a page too.
  public var total: Int
}

/// The answer to `diff`.
public struct DiffReport: Report {
  /// Scopes at, above or below it; nil for all.
  public var resource: String?
  /// One identity; nil for all.
  public var identity: String?
  /// The first moment, resolved.
  public var first: Viewpoint
  /// The second moment, resolved.
  public var second: Viewpoint
  /// The head it was read at.
  public var position: Int64
  /// The coverage of the first moment.
  public var firstCoverage: Coverage
  /// The coverage of the second moment.
  public var coverage: Coverage
  /// What was gained and lost.
  public var difference: Difference
}
