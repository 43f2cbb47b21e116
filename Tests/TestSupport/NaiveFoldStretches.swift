public import AccessGraph
import Governance
public import Temporal

/// Questions over a stretch: the question at a moment, asked at every instant at which the world may change.
extension NaiveLog {
  /// The pieces of a stretch within which the world is constant, each with its view.
  public func pieces(of during: Interval, asKnownAt k: Int64) -> [(Interval, NaiveView)] {
    let starts = [during.from] + turningPoints(asKnownAt: k).filter { $0 > during.from && during.contains($0) }
    return starts.enumerated().map { index, from in
      let to = index + 1 < starts.count ? starts[index + 1] : during.to
      return (Interval(from: from, to: to), view(Viewpoint(at: from, asKnownAt: k)))
    }
  }

  /// Who, at any time in the stretch, sorted by identity.
  public func who(_ subject: WhoSubject, during: Interval, asKnownAt k: Int64) -> [StretchHolder] {
    var found: [Bytes: StretchHolder] = [:]
    for (piece, view) in pieces(of: during, asKnownAt: k) {
      for holder in view.who(subject, hasClock: false) {
        let key = Bytes(holder.identity)
        var entry =
          found[key]
          ?? StretchHolder(
            identity: holder.identity, allowed: IntervalSet(), conditional: IntervalSet(), unknown: IntervalSet())
        switch holder.status {
        case .allowed: entry.allowed.insert(piece)
        case .conditional: entry.conditional.insert(piece)
        case .unknown: entry.unknown.insert(piece)
        case .denied: preconditionFailure("a holder is never denied")
        }
        found[key] = entry
      }
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }

  /// What, at any time in the stretch, in no particular order.
  public func what(
    _ identity: String, during: Interval, asKnownAt k: Int64, judging: NaiveView.Judging = .allButClock
  ) -> [StretchRight] {
    var found: [[UInt8]: StretchRight] = [:]
    for (piece, view) in pieces(of: during, asKnownAt: k) {
      for one in view.what(identity, judging: judging) {
        let none = IntervalSet()
        var row =
          found[one.right.exactKey] ?? StretchRight(right: one.right, held: none, conditional: none, denied: none)
        let isDenied = one.right.effect == .allow && one.remainder.status == .denied
        if isDenied { row.denied.insert(piece) } else { row.held.insert(piece) }
        if one.remainder.status == .conditional { row.conditional.insert(piece) }
        found[one.right.exactKey] = row
      }
    }
    return Array(found.values)
  }

  /// Where the status of a right changes in the stretch, without causes, in no particular order.
  public func timeline(_ identity: String, resource: String?, during: Interval, asKnownAt k: Int64) -> [Turn] {
    var turns: [Turn] = []
    var had: [[UInt8]: (right: Right, status: Status)] = [:]
    for (piece, view) in pieces(of: .always, asKnownAt: k) {
      // What was had before the stretch is of no matter, but right before it.
      if piece.to.map({ $0 < during.from }) ?? false { continue }
      if during.to.map({ piece.from >= $0 }) ?? false { break }
      var has: [[UInt8]: (right: Right, status: Status)] = [:]
      for one in view.what(identity, judging: .allButClock) where NaivePattern.concerns(one.right.scope, resource) {
        if let status = Self.status(of: one) { has[one.right.exactKey] = (one.right, status) }
      }
      for key in Set(had.keys).union(has.keys) where had[key]?.status != has[key]?.status {
        guard let right = has[key]?.right ?? had[key]?.right, during.contains(piece.from) else { continue }
        turns.append(Turn(at: piece.from, right: right, before: had[key]?.status, now: has[key]?.status, causes: []))
      }
      had = has
    }
    return turns
  }

  /// What is left of a right where it is had; what is denied is not, what denies is.
  private static func status(of held: HeldRight) -> Status? {
    if held.right.effect == .allow, held.remainder.status == .denied { return nil }
    return held.right.effect == .allow && held.right.action != nil ? held.remainder.status : held.right.status
  }

  /// Whether a turn is there without the events of its instant that are not among its causes.
  ///
  /// Those that make entities there stay: a membership that is a cause takes hold by them, and they are no cause of it.
  public func isCaused(_ turn: Turn, of identity: String, asKnownAt k: Int64) -> Bool {
    let causes = Set(turn.causes.map(\.position))
    let kept = events.filter { event in
      if event.effectiveAt != turn.at || causes.contains(event.position) { return true }
      switch event.change {
      case .membershipAdded, .membershipRemoved, .assignmentGranted, .assignmentRevoked, .assignmentExtended, .identityLinked,
        .identityUnlinked, .identitySuspended, .identityResumed, .policyDefined, .policyRetired, .identityRetired,
        .groupDeleted, .roleRetired:
        return false
      default: return true
      }
    }
    if kept.count == events.count { return true }
    let held = NaiveLog(kept).view(Viewpoint(at: turn.at, asKnownAt: k)).what(identity, judging: .allButClock)
    return held.first { $0.right == turn.right }.flatMap(Self.status(of:)) == turn.now
  }

  /// What is wrong with the causes of a turn; nil if nothing is.
  public func problem(with turn: Turn, asKnownAt k: Int64) -> String? {
    if turn.causes.isEmpty { return "no cause" }
    let visible = visible(asKnownAt: k)
    for cause in turn.causes {
      guard let event = visible.first(where: { $0.position == cause.position }) else {
        return "cause \(cause.position) is not visible"
      }
      let at = cause.isExpiry ? event.change.ownEnd : event.effectiveAt
      if at != turn.at { return "cause \(cause.position) is of another instant" }
      // What ends may be what denied it.
      if cause.isExpiry, turn.kind == .gained, !mayDeny(visible) { return "a gain by an expiry" }
      if let due = cause.dueAt, due != event.dueAt { return "cause \(cause.position) has another due_at" }
    }
    return nil
  }

  private func mayDeny(_ events: [Event]) -> Bool {
    events.contains { event in
      switch event.change {
      case .policyDefined(_, let policy, _): policy.type == .deny || policy.type == .boundary
      case .roleDefined(_, let document, _): (document.permissions ?? []).contains { $0.effect == .deny }
      default: false
      }
    }
  }

  /// What the second viewpoint has and the first has not, and the reverse, in no particular order.
  public func diff(
    resource: String?, identity: String?, from first: Viewpoint, to second: Viewpoint
  ) -> Difference {
    func entitlements(_ viewpoint: Viewpoint) -> [[UInt8]: Entitlement] {
      var answer: [[UInt8]: Entitlement] = [:]
      for entitlement in view(viewpoint).entitlements(resource: resource) {
        if let identity, Bytes(identity) != Bytes(entitlement.identity) { continue }
        // What is denied is not had; what a role denies is listed.
        if entitlement.right.effect == .allow, entitlement.remainder.status == .denied { continue }
        answer[Array(entitlement.identity.utf8) + [0] + entitlement.right.exactKey] = entitlement
      }
      return answer
    }
    let (before, after) = (entitlements(first), entitlements(second))
    return Difference(
      gained: after.filter { before[$0.key] == nil }.map(\.value), lost: before.filter { after[$0.key] == nil }.map(\.value),
      changed: after.compactMap { key, now in
        before[key].flatMap { $0 == now ? nil : ChangedEntitlement(before: $0.remainder, now: now) }
      })
  }
}
