public import Temporal

/// An access request as it stands at a moment.
public struct RequestStanding: Hashable, Sendable {
  /// The request as its last event wrote it.
  public var request: AccessRequest
  /// What has become of it.
  public var progress: RequestProgress
  /// Where it stands, by its events and by the clock: no job has to run.
  public var state: RequestState
  /// The position of its last event.
  public var position: Int64

  /// What is asked for.
  public var terms: RequestTerms { request.terms }
}

extension World {
  /// An access request at t; nil where there was none.
  ///
  /// What lapses, and what ended with its grant, is seen here without an event that says so.
  public func request(_ id: String, at t: Instant) -> RequestStanding? {
    guard let span = value(of: .existence(.request(id)), at: t), case .request(let request) = span.value,
      let progress = request.progress
    else { return nil }
    let state = state(of: id, request, progress, at: t)
    return RequestStanding(request: request, progress: progress, state: state, position: span.entry.position)
  }

  private func state(of id: String, _ request: AccessRequest, _ progress: RequestProgress, at t: Instant) -> RequestState {
    switch progress.state {
    case .pending, .approved:
      guard let end = progress.expiresAt, end <= t else { return progress.state }
      return .lapsed
    case .active:
      guard let fact = request.terms.proposal.grantedFact(by: id) else { return .active }
      // Ahead of its beginning it is active, too: it is granted.
      let isOpen = holds(fact).contains { span in
        span.begun.effective == progress.begunAt && (span.to.map { t < $0 } ?? true)
      }
      return isOpen ? .active : .ended
    default: return progress.state
    }
  }
}

extension RequestProposal {
  /// The fact that the request makes; nil for one that makes none of its own.
  public func grantedFact(by request: String) -> Fact? {
    switch self {
    case .assignment: .assignment(id: request)
    case .membership(let group, let member): .membership(group: group, member: member)
    case .prolongation, .role, .policy: nil
    }
  }

  /// What the request changes.
  public func entity(of request: String) -> Entity {
    switch self {
    case .assignment: Entity(.assignment, request)
    case .membership(let group, _): .group(group)
    case .prolongation(let assignment): Entity(.assignment, assignment)
    case .role(let id, _): .role(id)
    case .policy(let id, _): .policy(id)
    }
  }
}
