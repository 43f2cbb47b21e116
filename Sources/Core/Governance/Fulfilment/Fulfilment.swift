public import Temporal

/// How far an ending has come in the system concerned, in the order in which that goes, but for
/// `observedPresent`, which contradicts whatever came before.
public enum FulfilmentStage: String, Hashable, Sendable, CaseIterable {
  /// The access has ended by its interval; the log has no event of it.
  case inEffect = "in_effect"
  /// An event records it.
  case recorded
  /// A webhook has delivered that event.
  case sent
  /// Somebody has confirmed that it is done.
  case acknowledged
  /// It is gone: a later reading does not show it, or somebody has looked and says so.
  case observedAbsent = "observed_absent"
  /// Our own check has taken it away.
  case enforced
  /// It is not gone: the newest reading after the end still shows it, whatever was said.
  case observedPresent = "observed_present"

  /// Whether the ending has been carried out; only what was seen or enforced counts, and nothing that was said.
  public var isExecuted: Bool { self == .observedAbsent || self == .enforced }
}

/// An event of a fulfilment, with its two times.
public struct FulfilmentStep: Hashable, Sendable {
  /// The event.
  public var position: Int64
  /// When it took effect.
  public var at: Instant
  /// When it was learnt.
  public var recordedAt: Instant

  /// A step.
  public init(position: Int64, at: Instant, recordedAt: Instant) {
    self.position = position
    self.at = at
    self.recordedAt = recordedAt
  }
}

/// A confirmation with the event that says it.
public struct RecordedConfirmation: Hashable, Sendable {
  /// What was said.
  public var confirmation: FulfilmentConfirmation
  /// The event.
  public var step: FulfilmentStep

  /// A confirmation and its event.
  public init(confirmation: FulfilmentConfirmation, step: FulfilmentStep) {
    self.confirmation = confirmation
    self.step = step
  }
}

/// What was seen of an ended access after its end.
public struct Observed: Hashable, Sendable {
  /// The source that shows it.
  public var source: String
  /// The instant that the reading shows.
  public var at: Instant
  /// The event that marks it.
  public var position: Int64
  /// The assignment, or the member of the group, in which the access is still shown; nil where it is gone.
  public var shownBy: String?

  /// What was seen.
  public init(source: String, at: Instant, position: Int64, shownBy: String? = nil) {
    self.source = source
    self.at = at
    self.position = position
    self.shownBy = shownBy
  }
}

/// An ending and its stages; what is nil has not been reached.
public struct Fulfilment: Hashable, Sendable {
  /// The ending: in effect since ``GrantEnding/endedAt``.
  public var ending: GrantEnding
  /// The event that records it.
  public var recorded: FulfilmentStep?
  /// When a webhook first delivered that event.
  public var sentAt: Instant?
  /// The first confirmation of any kind.
  public var acknowledged: RecordedConfirmation?
  /// The first confirmation of somebody who has looked.
  public var vouchedAbsent: RecordedConfirmation?
  /// What readings show; where they differ, that it is still there.
  public var observed: Observed?
  /// Whether our own check took it away.
  public var isEnforced = false
  /// The ids of the credentials obtained under the assignment that are alive all the same, and of those obtained with them.
  public var credentialsAlive: [String] = []

  /// An ending of which nothing else is known.
  public init(ending: GrantEnding) { self.ending = ending }

  /// Whether the ending has been carried out: seen or enforced, and nothing that was obtained under it goes on.
  public var isExecuted: Bool { stage.isExecuted && credentialsAlive.isEmpty }

  /// The furthest stage that it has reached; a stage may be reached without those before it.
  ///
  /// A reading that still shows the access goes before whatever was said.
  public var stage: FulfilmentStage {
    if let observed { return observed.shownBy == nil ? .observedAbsent : .observedPresent }
    if isEnforced { return .enforced }
    if vouchedAbsent != nil { return .observedAbsent }
    if acknowledged != nil { return .acknowledged }
    if sentAt != nil { return .sent }
    return recorded == nil ? .inEffect : .recorded
  }
}
