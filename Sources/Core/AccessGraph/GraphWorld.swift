import Conditions
public import Governance
import Memory
public import Temporal

/// The graph as known at one position, as `decide`, the rules and `plan` ask it.
public struct GraphWorld: World {
  let graph: AccessGraph
  let k: Int64

  /// Up to which position the log is known in it.
  public var position: Int64 { min(k, graph.appliedPosition) }

  /// The same world as it was known at a position.
  public func known(at position: Int64) -> GraphWorld { GraphWorld(graph: graph, k: min(k, position)) }

  /// The visible entries of a fact, ordered by moment.
  ///
  /// O(entries of the fact).
  public func entries(of fact: Fact) -> [Entry] {
    guard let number = graph.find(fact) else { return [] }
    var entries: [Entry] = []
    graph.forEachEntryIndex(of: number) { index in
      if graph.entries[index].isVisible(at: k) { entries.append(graph.entry(index)) }
    }
    return entries
  }

  /// The window of a fact's entries around some moments.
  ///
  /// O(entries of the window); those before it are only counted past, none of their values is read.
  public func entries(of fact: Fact, around moments: ClosedRange<Moment>) -> EntryWindow {
    guard let number = graph.find(fact) else { return EntryWindow() }
    var finder = EntryWindowFinder(moments, of: fact)
    var (first, last) = (none, none)
    var index = graph.facts[number].first
    while index != none, last == none {
      let entry = graph.entries[index]
      if entry.isVisible(at: k) {
        let moment = Moment(Instant(microseconds: entry.effective), entry.position)
        switch finder.place(of: moment, begins: entry.effect == .begins, ends: entry.effect == .ends) {
        case .first: first = index
        case .inside: if first == none { first = index }
        case .last:
          if first == none { first = index }
          last = index
        }
      }
      index = entry.next
    }
    var window = EntryWindow(since: finder.since, isBounded: last != none)
    index = first
    while index != none {
      if graph.entries[index].isVisible(at: k) { window.entries.append(graph.entry(index)) }
      index = index == last ? none : graph.entries[index].next
    }
    return window
  }

  /// Whether an entity exists at t.
  ///
  /// O(1) where it came once at the most and ended once; else O(entries of its existence), of which no value is read.
  public func exists(_ entity: Entity, at t: Instant) -> Bool {
    graph.find(entity).map { graph.presence($0, Sight(t: t.microseconds, k: k)) != nil } ?? false
  }

  /// The stretch of unbroken existence that a place in the fold lies in; nil where the entity did not exist there.
  ///
  /// O(entries of the existence), of which no value is made: whether a grant holds asks this of both its ends.
  public func existence(of entity: Entity, at moment: Moment) -> Existence? {
    guard let number = graph.find(.existence(entity)) else { return nil }
    var since: Moment?
    var found: Existence?
    graph.forEachEntryIndex(of: number) { index in
      let record = graph.entries[index]
      guard found == nil, record.isVisible(at: k) else { return }
      let here = Moment(Instant(microseconds: record.effective), record.position)
      switch record.effect {
      case .begins: since = since ?? here
      case .ends:
        let stretch = since.map { Existence(since: $0, until: here) }
        if let stretch, stretch.contains(moment) { found = stretch }
        since = nil
      case .extends: return
      }
    }
    if let found { return found }
    guard let since, since <= moment else { return nil }
    return Existence(since: since, until: nil)
  }

  /// Every value that an entry of the fact ever began, also one that was voided since.
  ///
  /// O(entries of the fact).
  public func valuesEver(of fact: Fact) -> [FactValue] {
    guard let number = graph.find(fact) else { return [] }
    var values: [FactValue] = []
    graph.forEachEntryIndex(of: number) { index in
      guard graph.entries[index].position <= k, case .begins(let value, _) = graph.entry(index).effect else { return }
      values.append(value)
    }
    return values
  }

  /// The positions of the events that voided an entry of the fact, in order.
  ///
  /// O(entries of the fact). One that was voided in its own batch may be missing: it never had an effect.
  public func voidings(of fact: Fact) -> [Int64] {
    guard let number = graph.find(fact) else { return [] }
    var voidings: Set<Int64> = []
    graph.forEachEntry(of: number) { entry in if entry.voided <= k { voidings.insert(entry.voided) } }
    return voidings.sorted()
  }

  /// Every fact that ever had this entity as an end.
  public func facts(about entity: Entity) -> [Fact] {
    guard let node = graph.find(entity).map({ graph.nodes[$0] }) else { return [] }
    var listed: Set<Int32> = []  // a group that is its own member has that membership in two lists
    let members = entity.kind == .group ? graph.facts(in: node.members) : []
    return [
      graph.listedFacts(node.details), graph.facts(in: node.links), graph.facts(in: node.accounts),
      graph.facts(in: node.groups), members, graph.facts(in: node.assignments), graph.facts(in: node.grants),
    ].joined().filter { listed.insert($0).inserted }.map(graph.fact)
  }

  /// The memberships that this principal ever had.
  ///
  /// O(these), as the other lists of one kind of fact.
  public func memberships(of member: Entity) -> [Fact] { listed(member, \.groups) }

  /// The memberships that this group ever gave.
  public func memberships(in group: String) -> [Fact] { listed(.group(group), \.members) }

  /// The assignments ever granted to this principal.
  public func assignments(to principal: Entity) -> [Fact] { listed(principal, \.assignments) }

  /// The assignments of this role or principal that have not ended for good at t or before.
  ///
  /// O(assignments it ever had), of which those that ended are only counted past.
  public func assignments(of end: Entity, notEndedBy t: Instant) -> [Fact] {
    guard let node = graph.find(end).map({ graph.nodes[$0] }) else { return [] }
    return [node.assignments, node.grants].flatMap(graph.facts).filter { fact in
      let last = graph.entries[graph.facts[fact].last]
      return !(last.effect == .ends && last.effective <= t.microseconds && last.isVisible(at: k))
    }.map(graph.fact)
  }

  /// The links by which accounts ever belonged to this identity.
  public func links(to person: Entity) -> [Fact] { listed(person, \.accounts) }

  /// The attributes that this entity ever had.
  ///
  /// O(these, and for a source what it ever vouched for).
  public func attributes(of entity: Entity) -> [Fact] {
    guard let node = graph.find(entity) else { return [] }
    return graph.listedFacts(graph.nodes[node].details).filter { graph.facts[$0].key.kind == .attribute }.map(graph.fact)
  }

  private func listed(_ entity: Entity, _ list: KeyPath<NodeRecord, Int32>) -> [Fact] {
    guard let node = graph.find(entity) else { return [] }
    return graph.facts(in: graph.nodes[node][keyPath: list]).map(graph.fact)
  }

  /// Every fact that a source ever wrote.
  public func facts(from source: String) -> [Fact] {
    guard let number = graph.texts.find(source) else { return [] }
    return graph.listedFacts(graph.factsBySource[number] ?? none).map(graph.fact)
  }

  /// The ids of all policies, roles, groups, identities, reviews or sources that were ever written, in the order of their first events.
  ///
  /// Of groups and identities O(entities), of the others as many as there are.
  ///
  /// - Precondition: the kind is one of these.
  public func named(_ kind: EntityKind) -> [String] {
    switch kind {
    case .policy: return graph.policyNodes.map(graph.id)
    case .role: return graph.roleNodes.map(graph.id)
    case .source: return graph.sourceNodes.map(graph.id)
    case .review: return graph.reviewNodes.map(graph.id)
    case .group, .identity: return (0..<Int32(graph.nodes.count)).filter { graph.nodes[$0].kind == kind }.map(graph.id)
    default: preconditionFailure("only rules ask for names, and of what there are few")
    }
  }

  /// The ids of the policies that ever had this type, in the order of their first events.
  ///
  /// O(entries of policies), and nothing is read but numbers.
  public func policies(ofType type: PolicyType) -> [String] {
    graph.policyNodes.filter { node in
      var isThere = false
      graph.forEachEntry(of: graph.nodes[node].existence) { entry in
        if entry.effect == .begins, graph.policies[Int(entry.value)].document.type == type { isThere = true }
      }
      return isThere
    }.map(graph.id)
  }

  /// An elevation policy at t, its rule read when the graph took it.
  public func elevation(_ policy: String, at t: Instant) -> Elevation? {
    guard let span = value(of: .existence(.policy(policy)), at: t), let index = graph.firstEntry(of: span.entry.position),
      let rule = graph.policies[Int(graph.entries[index].value)].elevation?.rule
    else { return nil }
    return Elevation(policy: policy, position: span.entry.position, rule: rule)
  }

  /// The ids of the access requests submitted at or after an instant, in the order of their first events.
  ///
  /// O(requests since): they are submitted in the order of time, for their steps are never backdated.
  public func requests(since instant: Instant) -> [String] {
    let recent = graph.requestNodes.reversed().prefix { graph.nodes[$0].since >= instant.microseconds }
    return recent.reversed().map(graph.id)
  }

  /// The ids of those who ever approved an access request, in the order of their first approval.
  public var requestApprovers: [String] { graph.approvers.map { graph.texts[$0] } }

  /// The ids of the access requests that somebody ever approved, in the order of the approvals.
  public func requests(approvedBy approver: String) -> [String] {
    guard let list = graph.texts.find(approver).flatMap({ graph.approvalLists[$0] }) else { return [] }
    return graph.listedFacts(list).map(graph.id)
  }

  /// The ids of the credentials that were ever issued with this end, in the order of their bytes.
  ///
  /// O(n log n) of these credentials and their entries.
  public func credentials(of end: CredentialEnd) -> [String] {
    graph.credentialNodes(of: end, asKnownAt: k).map(graph.id).sorted { $0.precedes($1) }
  }

  /// Whether an assignment id was ever used, by a voided event too.
  public func hasUsed(assignment id: String) -> Bool {
    guard let number = graph.find(.assignment(id: id)) else { return false }
    var isUsed = false
    graph.forEachEntry(of: number) { entry in
      if entry.effect == .begins, entry.position <= k { isUsed = true }
    }
    return isUsed
  }

  /// An event by its position; nil above k.
  public func event(at position: Int64) -> EventSummary? {
    guard position >= 1, position <= min(k, graph.appliedPosition) else { return nil }
    if let bare = graph.bareEvent(at: position) {
      let event = graph.bareEvents[bare]
      return EventSummary(
        type: event.kind.type, effectiveAt: Instant(microseconds: event.effective), facts: [], isVoided: event.voided <= k)
    }
    guard var index = graph.firstEntry(of: position) else { return nil }
    let first = graph.entries[index]
    var facts: [Fact] = []
    while index < graph.entries.count, graph.entries[index].position == position {
      facts.append(graph.fact(graph.entries[index].fact))
      index += 1
    }
    return EventSummary(
      type: graph.type(first), effectiveAt: Instant(microseconds: first.effective), facts: facts,
      isVoided: first.voided <= k)
  }
}

extension BareEvent.Kind {
  /// The event's type.
  var type: String {
    switch self {
    case .expired: "assignment.expired"
    case .membershipExpired: "membership.expired"
    case .voided: "event.voided"
    case .confirmed: "fulfilment.confirmed"
    }
  }
}

extension AccessGraph {
  /// The graph as known at a position.
  public func world(asKnownAt k: Int64) -> GraphWorld { GraphWorld(graph: self, k: k) }

  /// A fact by its number, as the domain names it.
  func fact(_ number: Int32) -> Fact {
    let key = facts[number].key
    switch key.kind {
    case .existence: return .existence(entity(key.a))
    case .attribute: return .attribute(entity(key.a), name: texts[key.b])
    case .suspension: return .suspension(identity: id(key.a))
    case .acceptance: return .acceptance(finding: id(key.a))
    case .link: return .link(account: id(key.a))
    case .membership: return .membership(group: id(key.a), member: entity(key.b))
    case .assignment: return .assignment(id: texts[key.a])
    case .coverage: return .coverage(source: id(key.a), resource: texts[key.b])
    case .gap:
      let gap = gaps[Int(key.b)]
      return .coverageGap(source: id(key.a), resource: texts[gap.resource], from: Instant(microseconds: gap.from))
    case .reviewItem:
      guard let item = GrantName(text: texts[key.b]) else { preconditionFailure("written from an item") }
      return .reviewItem(review: id(key.a), item: item)
    }
  }

  func entry(_ index: Int32) -> Entry {
    let record = entries[index]
    let expires = record.expires == never ? nil : Instant(microseconds: record.expires)
    let effect: Effect =
      switch record.effect {
      case .begins: .begins(value(record), expiresAt: expires)
      case .extends: .extends(expiresAt: expires)
      case .ends: .ends
      }
    return Entry(
      moment: Moment(Instant(microseconds: record.effective), record.position), effect: effect,
      dueAt: dues[index].map { Instant(microseconds: $0) }, source: texts[record.source])
  }

  /// The type of the event whose first entry this is.
  func type(_ first: EntryRecord) -> String {
    let key = facts[first.fact].key
    let begins = first.effect == .begins
    switch key.kind {
    case .existence:
      switch nodes[key.a].kind {
      case .identity: return begins ? "identity.registered" : "identity.retired"
      case .group: return begins ? "group.created" : "group.deleted"
      case .role: return begins ? "role.defined" : "role.retired"
      case .policy: return begins ? "policy.defined" : "policy.retired"
      case .request: return requests[Int(first.value)].step.eventType
      case .finding: return begins ? "finding.raised" : "finding.resolved"
      case .review: return reviews[Int(first.value)].step.eventType
      case .resource: return begins ? "resource.described" : "resource.removed"
      case .source: return begins ? "source.registered" : "source.retired"
      case .credential: return begins ? "credential.issued" : "credential.revoked"
      case .assignment, .event: preconditionFailure("no existence is recorded of them")
      }
    case .attribute: preconditionFailure("an attribute is written with its entity")
    case .suspension: return begins ? "identity.suspended" : "identity.resumed"
    case .acceptance: return "finding.accepted"
    case .link: return begins ? "identity.linked" : "identity.unlinked"
    case .membership: return begins ? "membership.added" : "membership.removed"
    case .assignment:
      switch first.effect {
      case .begins: return "assignment.granted"
      case .ends: return "assignment.revoked"
      case .extends: return "assignment.extended"
      }
    case .coverage: return begins ? "coverage.began" : "coverage.ended"
    case .gap: return "coverage.gap"
    case .reviewItem: return reviewItems[Int(first.value)].step.eventType
    }
  }

  private func value(_ record: EntryRecord) -> FactValue {
    let key = facts[record.fact].key
    switch key.kind {
    case .existence:
      switch nodes[key.a].kind {
      case .identity: return .identity(IdentityKind.allCases[Int(record.value)])
      case .group: return .group
      case .role: return .role(roles[Int(record.value)].document)
      case .policy: return .policy(policies[Int(record.value)].document)
      case .request: return .request(requests[Int(record.value)])
      case .credential: return .credential(credential(record.value))
      case .finding: return .finding(findings[Int(record.value)].finding)
      case .review: return .review(reviews[Int(record.value)])
      case .resource: return .resource
      case .source, .assignment, .event: return .source
      }
    case .attribute: return .attribute(attributes[Int(record.value)])
    case .suspension: return .suspended
    case .acceptance: return .accepted
    case .link: return .person(id(record.value))
    case .membership: return .member
    case .assignment:
      let grant = grants[record.value]
      return .grant(
        Grant(
          principal: entity(grant.principal), role: id(grant.role), scope: texts[grant.scope],
          condition: condition(of: grant)?.document,
          expiresAt: record.expires == never ? nil : Instant(microseconds: record.expires)))
    case .coverage, .gap: return .covered
    case .reviewItem: return .reviewItem(reviewItems[Int(record.value)])
    }
  }
}

extension AccessGraph {
  /// Lists a request under those who have approved it.
  ///
  /// What is taken back stays listed: readers look at the request.
  func noteApprovals(of node: Int32, _ request: AccessRequest) {
    for approval in request.progress?.approvals ?? [] {
      let text = texts.number(approval.approver)
      if approvalLists[text] == nil { approvers.append(text) }
      let list = approvalLists[text] ?? factLists.make()
      approvalLists[text] = list
      let view = factLists.view(list)
      // Each later step of the request says it again.
      if view.count == 0 || view[view.count - 1] != node { factLists.append(node, to: list) }
    }
  }
}
