public import AccessGraph
public import Governance
public import Temporal

/// A log answered by brute force: filter, sort, apply one by one, for every question anew.
///
/// Views are kept once computed, so one instance belongs to one test at a time. Cost of a view: all events and all paths.
public final class NaiveLog {
  /// The events, at positions 1, 2, 3, ….
  public let events: [Event]
  private var views: [Viewpoint: NaiveView] = [:]
  private var known: [Int64: [Event]] = [:]
  private var folds: [Int64: [(from: Instant, state: NaiveState)]] = [:]

  /// A log of these events.
  public init(_ events: [Event]) { self.events = events }

  /// The events known at k and not voided by k, in the order of (effective, position).
  public func visible(asKnownAt k: Int64) -> [Event] {
    if let answer = known[k] { return answer }
    let heard = events.filter { $0.position <= k }
    var voided: Set<Int64> = []
    for case .eventVoided(let position) in heard.map(\.change) { voided.insert(position) }
    let answer = heard.filter { !voided.contains($0.position) }.sorted {
      $0.effectiveAt != $1.effectiveAt ? $0.effectiveAt < $1.effectiveAt : $0.position < $1.position
    }
    known[k] = answer
    return answer
  }

  /// World(t, k).
  public func state(at t: Instant, asKnownAt k: Int64) -> NaiveState {
    var state = NaiveState()
    for event in visible(asKnownAt: k) where event.effectiveAt <= t { state.apply(event) }
    state.expire(at: t)
    return state
  }

  /// The world from each instant on at which it may change, in order: World(t, k) for all t in one pass.
  public func fold(asKnownAt k: Int64) -> [(from: Instant, state: NaiveState)] {
    if let fold = folds[k] { return fold }
    var rest = visible(asKnownAt: k)[...]
    var state = NaiveState()
    let fold = turningPoints(asKnownAt: k).map { turn -> (from: Instant, state: NaiveState) in
      while let event = rest.first, event.effectiveAt <= turn {
        state.apply(event)
        rest.removeFirst()
      }
      // What is over at an instant is taken from that world only: what comes after may look back at it.
      var now = state
      now.expire(at: turn)
      return (turn, now)
    }
    folds[k] = fold
    return fold
  }

  /// World(t, k), out of the fold.
  public func folded(at t: Instant, asKnownAt k: Int64) -> NaiveState {
    fold(asKnownAt: k).last { $0.from <= t }?.state ?? NaiveState()
  }

  /// World(t, k) with every path in it.
  public func view(_ viewpoint: Viewpoint) -> NaiveView {
    if let view = views[viewpoint] { return view }
    let view = NaiveView(of: self, from: viewpoint)
    views[viewpoint] = view
    return view
  }

  /// Every instant at which the world known at k may change, in order: between two of them it is constant.
  public func turningPoints(asKnownAt k: Int64) -> [Instant] {
    var instants: Set<Instant> = []
    for event in visible(asKnownAt: k) {
      instants.insert(event.effectiveAt)
      if let end = event.change.ownEnd { instants.insert(end) }
    }
    return instants.sorted()
  }
}

extension Change {
  /// The end that an event sets, whatever it is called.
  public var ownEnd: Instant? {
    switch self {
    case .membershipAdded(_, _, let end), .assignmentExtended(_, let end), .coverageBegan(_, _, let end): end
    case .assignmentGranted(_, let grant): grant.expiresAt
    case .coverageGap(_, _, let until), .findingAccepted(_, let until): until
    default: nil
    }
  }
}
