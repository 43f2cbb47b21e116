public import Temporal

/// A review as it stands at a moment.
public struct ReviewStanding: Hashable, Sendable {
  /// The review as its last event wrote it.
  public var review: Review
  /// What has become of it.
  public var progress: ReviewProgress
  /// The position of its last event.
  public var position: Int64

  /// What it is about and who decides.
  public var terms: ReviewTerms { review.terms }

  /// Whether items can be decided at t: what somebody has signed off stays as it was signed.
  public func isDeciding(at t: Instant) -> Bool {
    progress.state == .open && progress.signature == nil && t < progress.deadline
  }

  /// Whether it should have been closed by t, by what its terms say.
  public func isDueToClose(at t: Instant) -> Bool {
    guard progress.state == .open, progress.deadline <= t else { return false }
    if terms.signsOff.isEmpty || progress.signature != nil { return true }
    return progress.deadline.adding(seconds: terms.signOffWithinDays * 86_400) <= t
  }
}

/// Whether an item of a review has been decided.
public enum DecisionState: String, Hashable, Sendable, CaseIterable {
  /// Nobody has decided.
  case undecided
  /// It was decided, and the grant has changed since.
  case changed
  case decided
  /// The grant has ended by other means, so that there is nothing to decide.
  case ended

  /// Whether somebody still has to decide.
  public var isAwaited: Bool { self == .undecided || self == .changed }
}

extension World {
  /// A review at t; nil where there was none.
  public func review(_ id: String, at t: Instant) -> ReviewStanding? {
    guard let span = value(of: .existence(Entity(.review, id)), at: t), case .review(let review) = span.value,
      let progress = review.progress
    else { return nil }
    return ReviewStanding(review: review, progress: progress, position: span.entry.position)
  }

  /// The ids of the reviews, in the order of their first events.
  public var reviews: [String] { named(.review) }

  /// What has become of an item by t, and the event that says so; nil where nothing has.
  public func reviewItemState(_ item: GrantName, of review: String, at t: Instant) -> (
    state: ReviewItemState, position: Int64
  )? {
    guard let span = value(of: .reviewItem(review: review, item: item), at: t), case .reviewItem(let state) = span.value
    else { return nil }
    return (state, span.entry.position)
  }

  /// Whether an item has been decided: by what was said of it, and by the grant as it is at t.
  public func decisionState(of item: GrantName, _ state: ReviewItemState?, at t: Instant) -> DecisionState {
    // What was executed has ended by it.
    if state?.execution?.outcome == .done || state?.execution?.outcome == .gone, state?.decision != nil { return .decided }
    guard let found = reviewItem(item, at: t) else { return state?.decision == nil ? .ended : .decided }
    guard let decision = state?.decision else { return .undecided }
    return decision.digest.isExactly(found.digest) ? .decided : .changed
  }

  /// Everything that was ever decided of an item, also what was decided otherwise later.
  public func decisions(about item: GrantName, of review: String) -> [ReviewDecision] {
    entries(of: .reviewItem(review: review, item: item)).compactMap { entry in
      guard case .begins(.reviewItem(let state), _) = entry.effect, state.step == .decided else { return nil }
      return state.decision
    }
  }

  /// The population of a review as it was frozen, derived again from the log.
  public func frozenPopulation(of standing: ReviewStanding) throws(Refusal) -> Population {
    let frozen = standing.progress.population
    return try known(at: frozen.position).population(standing.terms.query, at: frozen.at)
  }
}
