import Governance
import JSON
import Temporal

/// Whether endings were seen to be carried out, by what each source shows at each instant.
extension NaiveFindings {
  /// Members of the evidence of an ending that nobody has seen which this says.
  public static let membersOfUnobserved = ["ended_at", "principal", "role", "scope", "member"]

  /// Endings of grants that nobody has seen carried out.
  ///
  /// - Parameter days: after how many days, by the scope of the grant; nil for a membership, which lies nowhere.
  public func unobservedEndings(after days: (String?) -> Int64) -> [NaiveFinding] {
    log.endings(at: now, asKnownAt: k).compactMap { item, end in
      var scope: String?
      if case .assignment(let id) = item {
        let before = log.folded(at: end.adding(microseconds: -1), asKnownAt: k)
        scope = before.assignments[Entity(.assignment, id)]?.grant.scope
      }
      guard end <= now.adding(microseconds: -days(scope) * 86_400_000_000) else { return nil }
      let ended = EndedAccess(item, end, in: self)
      if ended.isCarriedOut { return nil }
      var evidence: JSONObject = ["ended_at": .string(end.description)]
      switch item {
      case .assignment(let id):
        evidence["principal"] = .string(ended.principal.description)
        evidence["role"] = ended.grant.map { .string($0.role) }
        evidence["scope"] = ended.grant.map { .string($0.scope) }
        return finding("ending_not_observed", Entity(.assignment, id), evidence)
      case .membership(let group, let member):
        evidence["member"] = .string(member.description)
        return finding("ending_not_observed", .group(group), evidence)
      }
    }
  }
}

/// An access that has ended, and who may show that it is there still.
private struct EndedAccess {
  let item: GrantName
  let end: Instant
  let principal: Entity
  let grant: Grant?
  private let world: NaiveFindings
  /// What each source shows now.
  private var showings: [String: [Event]] = [:]
  private var log: NaiveLog { world.log }
  private var k: Int64 { world.k }

  init(_ item: GrantName, _ end: Instant, in world: NaiveFindings) {
    (self.item, self.end, self.world) = (item, end, world)
    let before = world.log.folded(at: end.adding(microseconds: -1), asKnownAt: world.k)
    switch item {
    case .assignment(let id):
      grant = before.assignments[Entity(.assignment, id)]?.grant
      principal = grant?.principal ?? .identity("")
    case .membership(_, let member): (grant, principal) = (nil, member)
    }
    let principals = principals(until: world.now)
    for source in givers { showings[source] = showings(of: source, principals) }
  }

  /// The source of the grant.
  private var source: String? {
    let before = log.folded(at: end.adding(microseconds: -1), asKnownAt: k)
    return before.beginning(of: item.fact).map { log.events[Int($0.position) - 1].source }
  }

  /// Seen to be gone, or taken away by our own check, and nothing that was obtained under it is alive.
  var isCarriedOut: Bool {
    if hasCredentials { return false }
    let cause = log.cause(ofEnd: end, of: item, asKnownAt: k)
    if isShown { return false }
    if isSeenGone(cause) { return true }
    let isVouched = log.visible(asKnownAt: k).contains { event in
      guard case .fulfilmentConfirmed(let other, let confirmation) = event.change, event.effectiveAt <= world.now else {
        return false
      }
      return other == item && confirmation.endedAt == end && confirmation.claim == .observedAbsent
    }
    return cause?.basis == .enforced || isVouched
  }

  // MARK: What sources show

  /// The principal, and whoever was an account of it at some time since the end.
  private func principals(until t: Instant) -> Set<Entity> {
    var found: Set<Entity> = [principal]
    for (index, piece) in world.pieces.enumerated() where piece.from <= t {
      let next = index + 1 < world.pieces.count ? world.pieces[index + 1].from : nil
      if next.map({ $0 > end }) ?? true {
        for (account, link) in piece.state.links where link.person == principal { found.insert(account) }
      }
    }
    return found
  }

  /// The grants of a world that give the same, each with the event that began it: wholly, or in part.
  private func same(in state: NaiveState, _ principals: Set<Entity>, inPart: Bool) -> [(item: GrantName, begun: Event)] {
    if let grant {
      return state.assignments.compactMap { id, held in
        guard principals.contains(held.grant.principal), Entity.role(held.grant.role) == .role(grant.role) else { return nil }
        let isInScope =
          NaivePattern.covers(held.grant.scope, grant.scope) || inPart && NaivePattern.covers(grant.scope, held.grant.scope)
        guard isInScope else { return nil }
        return (.assignment(id.id), log.events[Int(held.origin.position) - 1])
      }
    }
    return state.memberships.compactMap { membership, held in
      guard item.group.map({ .group($0) }) == membership.group, principals.contains(membership.member) else { return nil }
      return (
        .membership(group: membership.group.id, member: membership.member), log.events[Int(held.origin.position) - 1]
      )
    }
  }

  private func isItselfBefore(_ other: GrantName, _ from: Instant) -> Bool { other == item && from < end }

  /// Whether some source, by its own word since the end, shows it now, and had not seen it gone before that.
  private var isShown: Bool {
    givers.contains { isShown(by: $0) } || isShownInReading
  }

  /// The sources that ever gave anything.
  private var givers: Set<String> {
    Set(
      log.visible(asKnownAt: k).compactMap { event in
        switch event.change {
        case .assignmentGranted, .membershipAdded: event.source
        default: nil
        }
      })
  }

  /// By a grant of the source that holds now, of those that have not all ended since.
  private func isShown(by source: String) -> Bool {
    (showings[source] ?? []).contains { begun in
      guard begun.basis == .observed else { return false }
      let reading = vouchesEver(source) ? log.reading(of: source, at: world.now, asKnownAt: k) : nil
      return reading.map { $0.effectiveAt > end } ?? false || begun.effectiveAt > end
    }
  }

  /// The events that began what a source shows now of it, in part or wholly; none where all of that had ended once since.
  private func showings(of source: String, _ principals: Set<Entity>) -> [Event] {
    var isHeld = false
    var hasEnded = false
    for (from, state) in world.pieces where from <= world.now {
      let holds = same(in: state, principals, inPart: true).contains {
        $0.begun.source == source && !isItselfBefore($0.item, from)
      }
      if isHeld, !holds, from >= end { hasEnded = true }
      isHeld = holds
    }
    guard isHeld, !hasEnded else { return [] }
    return same(in: world.state, principals, inPart: true).map(\.begun).filter { $0.source == source }
  }

  /// Whether the source has ever vouched for anything.
  private func vouchesEver(_ source: String) -> Bool {
    log.visible(asKnownAt: k).contains { event in
      guard case .coverageBegan(let other, _, _) = event.change else { return false }
      return other == source
    }
  }

  private struct Sight {
    let isGone: Bool
  }

  /// What the newest readings show, of sources that vouch for all of it.
  private var sights: [Sight] {
    let sources = Set(log.events.map(\.source)).filter(vouchesEver)
    return sources.compactMap { source in
      guard let reading = log.reading(of: source, at: world.now, asKnownAt: k), reading.effectiveAt > end,
        vouches(source, at: reading.effectiveAt)
      else { return nil }
      let state = log.folded(at: reading.effectiveAt, asKnownAt: k)
      let principals = principals(until: reading.effectiveAt)
      let shows = same(in: state, principals, inPart: false).contains { $0.begun.source == source }
      return Sight(isGone: !shows || hasSeenGone(source, principals, before: reading.effectiveAt))
    }
  }

  private var isShownInReading: Bool { sights.contains { !$0.isGone } }

  /// Whether the source itself had seen it end since, before the reading in which it shows it.
  private func hasSeenGone(_ source: String, _ principals: Set<Entity>, before reading: Instant) -> Bool {
    log.visible(asKnownAt: k).contains { event in
      guard event.source == source, event.basis == .observed, event.effectiveAt >= end, event.effectiveAt < reading else {
        return false
      }
      let before = log.folded(at: event.effectiveAt.adding(microseconds: -1), asKnownAt: k)
      return same(in: before, principals, inPart: false).contains { other in
        guard other.begun.source == source, !isItselfBefore(other.item, other.begun.effectiveAt) else { return false }
        switch (event.change, other.item) {
        case (.assignmentRevoked(let id), .assignment(let name)): return id == name
        case (.membershipRemoved(let group, let member), .membership(let name, let one)): return group == name && member == one
        default: return false
        }
      }
    }
  }

  private func vouches(_ source: String, at t: Instant) -> Bool {
    if let group = item.group { return log.vouches(source, forMembersOf: group, at: t, asKnownAt: k) }
    guard let scope = grant?.scope else { return false }
    let state = log.folded(at: t, asKnownAt: k)
    return state.coverage.keys.contains { $0.source == .source(source) && NaivePattern.covers($0.resource.id, scope) }
      && !state.gaps.keys.contains { $0.source == .source(source) && NaivePattern.concerns($0.resource.id, scope) }
  }

  /// Whether whoever gave it saw it taken away, or a reading shows it gone; not where anybody shows it.
  private func isSeenGone(_ cause: Event?) -> Bool {
    if showings.values.contains(where: { $0.contains { $0.basis == .observed } }) { return false }
    if let cause, cause.basis == .observed, cause.source == source { return true }
    return sights.contains(where: \.isGone)
  }

  // MARK: What was obtained under it

  /// Whether a credential is alive that was obtained under it, or with one that was.
  private var hasCredentials: Bool {
    guard case .assignment(let id) = item else { return false }
    let all = world.everyCredential
    var under = Set(all.filter { $0.value.document.grant == id }.keys)
    while let next = all.first(where: { one in
      !under.contains(one.key) && (one.value.document.parent.map { under.contains(.credential($0)) } ?? false)
    }) {
      under.insert(next.key)
    }
    return under.contains { all[$0]?.isAlive ?? false }
  }
}
