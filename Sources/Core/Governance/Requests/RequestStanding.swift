public import Temporal

/// An access request as it stands at a moment.
public struct RequestStanding: Hashable, Sendable {
  /// The request as its last event wrote it.
  public var request: AccessRequest
  /// What has become of it; of what it granted the end is that of the grant, wherever it was moved.
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
    var standing = RequestStanding(request: request, progress: progress, state: progress.state, position: span.entry.position)
    switch progress.state {
    case .pending, .approved: if let end = progress.expiresAt, end <= t { standing.state = .lapsed }
    case .active:
      guard let fact = request.terms.proposal.grantedFact(by: id) else { break }
      // The grant says when: it may have been extended, or revoked. Ahead of its beginning it is active, too.
      // It follows its step in the log: another of the same instant is held otherwise.
      let granted = holds(fact).last { $0.begun.position == span.entry.position + 1 }
      standing.progress.expiresAt = granted == nil ? progress.begunAt : granted?.to
      if granted.map({ $0.to.map { $0 <= t } ?? false }) ?? true { standing.state = .ended }
    case .applied, .denied, .withdrawn, .lapsed, .failed, .ended: break
    }
    return standing
  }
}

extension RequestProposal {
  /// The fact that the request makes; nil for one that makes none of its own.
  public func grantedFact(by request: String) -> Fact? {
    switch self {
    case .assignment: .assignment(id: request)
    case .membership(let group, let member): .membership(group: group, member: member)
    case .assignmentExtension, .role, .policy: nil
    }
  }
}
