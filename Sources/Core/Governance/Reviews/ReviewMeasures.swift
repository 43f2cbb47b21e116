public import Temporal

/// What is to be done about the items of one review, as the world stands; where it was closed is looked up once for all of them.
public struct ReviewMeasures<W: World> {
  private let world: W
  private let review: String
  private let standing: ReviewStanding
  private let now: Instant
  /// How the world stood when the review was closed; nil while it is open.
  private let closed: (world: W, at: Instant)?

  /// The measures of a review at a moment.
  public init(_ world: W, _ review: String, _ standing: ReviewStanding, at now: Instant) {
    self.world = world
    self.review = review
    self.standing = standing
    self.now = now
    closed = standing.progress.closing.map { (world.known(at: $0.position(in: world, of: review)), $0.at) }
  }

  /// What is to be done about an item now; nil where nothing is, or it is done.
  public func measure(for item: GrantName, _ state: ReviewItemState?) -> ReviewMeasure? {
    if let execution = state?.execution, execution.outcome != .failed { return nil }
    guard let closed else {
      let isDue = standing.terms.executes == .atOnce && world.decisionState(of: item, state, at: now) == .decided
      return isDue ? state?.decision?.measure : nil
    }
    // What counts is how it stood when the review was closed; a membership made anew since is another one.
    switch closed.world.decisionState(of: item, state, at: closed.at) {
    case .decided: return state?.decision?.measure
    case .ended: return nil
    case .undecided, .changed:
      switch standing.terms.atDeadline {
      case .keep: return nil
      case .lock: return .lock
      case .revoke: return .revoke
      }
    }
  }

  /// Whether a grant is the one that was there when the review was closed, perhaps with another end.
  func isSame(_ found: PopulationItem) -> Bool {
    guard let closed else { return true }
    return closed.world.reviewItem(found.item, at: closed.at)?.span.begun == found.span.begun
  }

  /// Whether something is still to be done about an item.
  public func isOutstanding(_ item: GrantName) -> Bool {
    measure(for: item, world.reviewItemState(item, of: review, at: now)?.state) != nil
  }
}

extension ReviewClosing {
  /// The position of the event that closed the review.
  public func position(in world: some World, of review: String) -> Int64 {
    for entry in world.entries(of: .existence(Entity(.review, review))) {
      if case .begins(.review(let written), _) = entry.effect, written.step == .closed { return entry.moment.position }
    }
    return world.position
  }
}
