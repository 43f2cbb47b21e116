public import Governance
public import JSON
import Memory
public import Temporal

/// Where and how an entry stands that is loaded: what all entries have, whatever their fact.
public struct LoadedPlace: BitwiseCopyable, Sendable {
  /// The event's position.
  public var position: Int64
  /// The event's effect in the world, in microseconds.
  public var effectiveAt: Int64
  /// What it does.
  public var effect: EntryEffect
  /// The end that the entry carries of its own.
  public var expiresAt: Int64?
  /// Of a loss: when it should have taken effect.
  public var dueAt: Int64?
  /// The number of the source's text.
  public var source: Int32
  /// Whether the event has been voided.
  public var isVoided: Bool

  /// A place.
  public init(
    position: Int64, effectiveAt: Int64, effect: EntryEffect, expiresAt: Int64? = nil, dueAt: Int64? = nil, source: Int32,
    isVoided: Bool
  ) {
    self.position = position
    self.effectiveAt = effectiveAt
    self.effect = effect
    self.expiresAt = expiresAt
    self.dueAt = dueAt
    self.source = source
    self.isVoided = isVoided
  }
}

/// What was given to a loader contradicts itself: no log says that.
public struct LoadingContradiction: Error, Hashable, Sendable, CustomStringConvertible {
  /// The event that is contradicted.
  public let position: Int64
  /// What is wrong.
  public let problem: String

  /// A contradiction about an event.
  public init(position: Int64, problem: String) {
    self.position = position
    self.problem = problem
  }

  /// One line.
  public var description: String { "event \(position) \(problem)" }
}

/// Makes a graph from its entries, which come in any order; the graph is the one that folding the log would make.
///
/// Entries are gathered flat, names as numbers, and entered in the order of the log once all are there. Two things besides are
/// needed of the log: the events that write no fact, and the events of which no entry was kept. Not safe for concurrent use.
public final class GraphLoader {
  private let graph: AccessGraph
  private let gathered = Chunks<GatheredEntry>()
  private let grants = Chunks<GatheredGrant>()
  private var roles: [GatheredRole] = []
  private var policies: [PolicyDocument] = []
  private var requests: [AccessRequest] = []
  private var findings: [CompactFinding] = []
  private var reviews: [Review] = []
  private var reviewItems: [ReviewItemState] = []
  private var permissions: [Int64: [(ordinal: Int32, permission: Permission)]] = [:]
  private var bare: [BareEvent] = []
  private var events: [Event] = []
  private var lastSource = none
  /// The nodes of texts, where they are already known: a look instead of a search.
  private let identities = Chunks<Int32>()
  private let groups = Chunks<Int32>()
  private let roleNodes = Chunks<Int32>()
  /// The first contradiction met; after it nothing more is taken.
  private var contradiction: LoadingContradiction?

  /// A loader of an empty graph.
  ///
  /// - Parameter indexLimits: from when on lists are indexed by time. The default is what serves.
  public init(indexLimits: IndexLimits = IndexLimits()) { graph = AccessGraph(indexLimits: indexLimits) }

  /// The number of a text given as UTF-8 bytes, which the caller knows to be valid.
  public func text(utf8: Swift.Span<UInt8>) -> Int32 { graph.texts.number(utf8: utf8) }

  /// The same for the source of an entry: mostly that of the entry before it.
  public func source(utf8: Swift.Span<UInt8>) -> Int32 {
    if lastSource != none, graph.texts.isText(lastSource, utf8: utf8) { return lastSource }
    lastSource = graph.texts.number(utf8: utf8)
    return lastSource
  }

  /// Notes that something given cannot be; `finish` throws the first of these.
  ///
  /// Not thrown at once, so that whoever reads rows may read on to the end of its stream.
  public func contradict(_ position: Int64, _ problem: String) {
    if contradiction == nil { contradiction = LoadingContradiction(position: position, problem: problem) }
  }

  private func put(
    _ kind: FactKind, _ entityKind: EntityKind = .identity, _ a: Int32, _ b: Int32 = none, value: Int32 = 0,
    _ place: LoadedPlace
  ) {
    guard place.position > 0, place.position < Int64(UInt32.max) else {
      return contradict(place.position, "has no position that a log has")
    }
    if place.effect == .extends, kind != .assignment { return contradict(place.position, "extends what has no end to move") }
    gathered.append(GatheredEntry(kind, entityKind, a, b, value: value, place))
  }
}

// MARK: Entries
extension GraphLoader {
  /// An entry of an identity's existence; a beginning has a kind.
  public func addIdentity(_ id: Int32, kind: IdentityKind?, at place: LoadedPlace) {
    if place.effect == .begins, kind == nil { return contradict(place.position, "registers an identity of no known kind") }
    put(.existence, .identity, id, value: kind?.number ?? none, place)
  }

  /// An entry of the existence of a group, resource or source.
  public func add(_ kind: EntityKind, _ id: Int32, at place: LoadedPlace) {
    put(.existence, kind, id, value: place.effect == .begins ? 0 : none, place)
  }

  /// An entry of a role's existence; a beginning says whether its permissions are known.
  public func addRole(_ id: Int32, isKnown: Bool?, includes: [String]?, at place: LoadedPlace) {
    guard place.effect == .begins else { return put(.existence, .role, id, value: none, place) }
    guard let isKnown, let includes else { return contradict(place.position, "defines a role without a document") }
    roles.append(GatheredRole(isKnown: isKnown, includes: includes))
    put(.existence, .role, id, value: Int32(roles.count - 1), place)
  }

  /// One permission of the role that an event defines.
  public func addPermission(_ permission: Permission, ordinal: Int32, at position: Int64) {
    permissions[position, default: []].append((ordinal, permission))
  }

  /// An entry of a policy's existence; a beginning has a document.
  public func addPolicy(_ id: Int32, _ document: PolicyDocument?, at place: LoadedPlace) {
    guard place.effect == .begins else { return put(.existence, .policy, id, value: none, place) }
    guard let document else { return contradict(place.position, "defines a policy without a rule") }
    policies.append(document)
    put(.existence, .policy, id, value: Int32(policies.count - 1), place)
  }

  /// An entry of an access request.
  public func addRequest(_ id: Int32, _ request: AccessRequest?, at place: LoadedPlace) {
    guard place.effect == .begins, let request else { return contradict(place.position, "says nothing of a request") }
    requests.append(request)
    put(.existence, .request, id, value: Int32(requests.count - 1), place)
  }

  /// An entry of a credential; a beginning has a kind and an identity.
  public func addCredential(
    _ id: Int32, _ kind: CredentialKind?, identity: Int32?, holder: Int32?, grant: Int32?, parent: Int32?, expiresAt: Int64?,
    at place: LoadedPlace
  ) {
    guard place.effect == .begins else { return put(.existence, .credential, id, value: none, place) }
    guard let kind, let identity else { return contradict(place.position, "issues a credential that acts as nobody") }
    let record = CredentialRecord(
      kind: kind, identity: identity, holder: holder ?? none, grant: grant ?? none, parent: parent ?? none,
      expires: expiresAt ?? never)
    put(.existence, .credential, id, value: graph.add(record), place)
  }

  /// An entry of a finding: raised, and then it says what, or resolved.
  public func addFinding(_ id: Int32, _ finding: Finding?, at place: LoadedPlace) {
    guard place.effect == .begins else { return put(.existence, .finding, id, value: none, place) }
    guard var finding else { return contradict(place.position, "raises a finding that says nothing") }
    // As it was recorded, which need not be what would follow today.
    finding.id = graph.texts[id]
    findings.append(CompactFinding(finding))
    put(.existence, .finding, id, value: Int32(findings.count - 1), place)
  }

  /// An entry of the acceptance of a finding.
  public func addAcceptance(_ finding: Int32, at place: LoadedPlace) {
    put(.acceptance, .finding, finding, value: place.effect == .begins ? 0 : none, place)
  }

  /// An entry of a review.
  public func addReview(_ id: Int32, _ review: Review?, at place: LoadedPlace) {
    guard place.effect == .begins, let review else { return contradict(place.position, "says nothing of a review") }
    reviews.append(review)
    put(.existence, .review, id, value: Int32(reviews.count - 1), place)
  }

  /// An entry of an item of a review.
  public func addReviewItem(_ review: Int32, item: Int32, _ state: ReviewItemState?, at place: LoadedPlace) {
    guard place.effect == .begins, let state else { return contradict(place.position, "says nothing of an item") }
    reviewItems.append(state)
    put(.reviewItem, .review, review, item, value: Int32(reviewItems.count - 1), place)
  }

  /// An entry of an attribute; a beginning has a value.
  public func addAttribute(_ kind: EntityKind, _ entity: Int32, name: Int32, _ value: AttributeValue?, at place: LoadedPlace) {
    guard place.effect == .begins else { return put(.attribute, kind, entity, name, value: none, place) }
    guard let value else { return contradict(place.position, "gives an attribute no value") }
    graph.attributes.append(value)
    put(.attribute, kind, entity, name, value: Int32(graph.attributes.count - 1), place)
  }

  /// An entry of a suspension.
  public func addSuspension(_ identity: Int32, at place: LoadedPlace) {
    put(.suspension, .identity, identity, value: place.effect == .begins ? 0 : none, place)
  }

  /// An entry of a link; a beginning has a person.
  public func addLink(_ account: Int32, person: Int32?, at place: LoadedPlace) {
    guard place.effect == .begins else { return put(.link, .identity, account, value: none, place) }
    guard let person else { return contradict(place.position, "links an account to nobody") }
    put(.link, .identity, account, value: person, place)
  }

  /// An entry of a membership.
  public func addMembership(_ group: Int32, _ kind: EntityKind, _ member: Int32, at place: LoadedPlace) {
    put(.membership, kind, group, member, value: place.effect == .begins ? 0 : none, place)
  }

  /// An entry of an assignment that ends or extends it.
  public func addAssignment(_ id: Int32, at place: LoadedPlace) {
    if place.effect == .begins { return contradict(place.position, "grants nothing to nobody") }
    put(.assignment, .identity, id, value: none, place)
  }

  /// A beginning of an assignment.
  public func addGrant(
    _ id: Int32, to kind: EntityKind, _ principal: Int32, role: Int32, scope: Int32, condition: JSONValue?,
    at place: LoadedPlace
  ) {
    grants.append(
      GatheredGrant(kind: kind, principal: principal, role: role, scope: scope, condition: graph.add(condition)))
    put(.assignment, .identity, id, value: Int32(grants.count - 1), place)
  }

  /// An entry of what a source vouches for.
  public func addCoverage(_ source: Int32, resource: Int32, at place: LoadedPlace) {
    put(.coverage, .source, source, resource, value: place.effect == .begins ? 0 : none, place)
  }

  /// An entry of a stretch in which a source vouches for nothing.
  public func addGap(_ source: Int32, resource: Int32, from: Int64, at place: LoadedPlace) {
    let gap = graph.gap(GapKey(resource: resource, from: from))
    put(.gap, .source, source, gap, value: place.effect == .begins ? 0 : none, place)
  }
}

// MARK: What only the log has
extension GraphLoader {
  /// An event that may be taken from the log because no entry of it was given: evidence, a voiding, or an event
  /// that was voided in its own batch.
  public func add(_ event: Event) {
    guard event.writes.isEmpty else { return events.append(event) }
    bare.append(BareEvent(event.change, position: event.position, effective: event.effectiveAt.microseconds))
  }

  /// Evidence of which nothing has to be known but its type: one of ``evidenceTypes``.
  public func addEvidence(_ type: String, position: Int64, effectiveAt: Int64) {
    guard let kind = BareEvent.Kind.allCases.first(where: { $0.type == type }) else {
      return contradict(position, "is no evidence")
    }
    bare.append(BareEvent(position: position, effective: effectiveAt, voids: 0, kind: kind))
  }

  /// The types of the events that write no fact, voidings among them.
  public static let evidenceTypes = BareEvent.Kind.allCases.map(\.type)

  /// How many voidings were given: more events than these cannot be without entries.
  public var voidings: Int { bare.count { $0.voids > 0 } }

  /// The events up to a position of which nothing was given, in order.
  ///
  /// O(position).
  public func missing(through position: Int64) -> [Int64] {
    var isThere = [Bool](repeating: false, count: Int(position) + 1)
    func note(_ found: Int64) { if found <= position { isThere[Int(found)] = true } }
    for index in 0..<gathered.count { note(Int64(gathered[index].position)) }
    for event in bare { note(event.position) }
    for event in events { note(event.position) }
    return isThere.indices.dropFirst().filter { !isThere[$0] }.map(Int64.init)
  }
}

// MARK: The graph
extension GraphLoader {
  /// The graph as the log up to a position makes it, published there.
  ///
  /// O(n) beside what entering costs. To be called once.
  ///
  /// - Parameter recordedAt: when the last event was recorded; nil before the first.
  /// - Throws: the first contradiction; the graph is then lost.
  public func finish(position: Int64, recordedAt: Instant?) throws(LoadingContradiction) -> AccessGraph {
    if let contradiction { throw contradiction }
    bare.sort { $0.position < $1.position }
    events.sort { $0.position < $1.position }
    let (order, starts) = try sorted(through: position)
    let voided = voidedEvents(through: position)
    for _ in 0..<graph.texts.count {
      identities.append(none)
      groups.append(none)
      roleNodes.append(none)
    }
    if let recordedAt { graph.horizon = recordedAt.microseconds }
    var nextBare = 0
    var nextEvent = 0
    for place in stride(from: Int64(1), through: position, by: 1) {
      let range = Int(starts[Int(place)])..<Int(starts[Int(place) + 1])
      let isBare = nextBare < bare.count && bare[nextBare].position == place
      let isLogged = nextEvent < events.count && events[nextEvent].position == place
      guard [!range.isEmpty, isBare, isLogged].count(where: \.self) == 1 else {
        throw LoadingContradiction(position: place, problem: "does not stand in exactly one place")
      }
      if isBare {
        graph.enter(bare[nextBare])
        nextBare += 1
      } else if isLogged {
        // Whatever was not voided in its own batch has entries.
        if !voided[Int(place)] { throw LoadingContradiction(position: place, problem: "has no rows") }
        graph.appliedPosition = place - 1
        graph.apply(events[nextEvent])
        nextEvent += 1
      } else {
        try enter(order[range], isVoided: voided[Int(place)])
      }
    }
    guard nextBare == bare.count, nextEvent == events.count else {
      throw LoadingContradiction(position: position, problem: "is not the last of the log")
    }
    graph.appliedPosition = position
    graph.publish()
    return graph
  }

  /// The entries by position: their numbers, and where those of each event begin among them.
  private func sorted(through position: Int64) throws(LoadingContradiction) -> (order: [Int32], starts: [Int32]) {
    var starts = [Int32](repeating: 0, count: Int(position) + 2)
    for index in 0..<gathered.count {
      let place = Int64(gathered[index].position)
      guard place <= position else { throw LoadingContradiction(position: place, problem: "lies above the head") }
      starts[Int(place) + 1] += 1
    }
    for index in starts.indices.dropFirst() { starts[index] += starts[index - 1] }
    var order = [Int32](repeating: 0, count: gathered.count)
    var next = starts
    for index in 0..<gathered.count {
      let place = Int(gathered[index].position)
      order[Int(next[place])] = Int32(index)
      next[place] += 1
    }
    return (order, starts)
  }

  /// Which events have been voided, by the rule of the fold: a voiding cannot be voided, nothing is voided twice.
  private func voidedEvents(through position: Int64) -> [Bool] {
    var voided = [Bool](repeating: false, count: Int(position) + 1)
    let voidings = Set(bare.lazy.filter { $0.voids > 0 }.map(\.position))
    for event in bare where event.voids > 0 && event.position <= position && !voidings.contains(event.voids) {
      voided[Int(event.voids)] = true
    }
    return voided
  }

  /// Enters the entries of one event in the order in which the event writes them.
  private func enter(_ numbers: ArraySlice<Int32>, isVoided: Bool) throws(LoadingContradiction) {
    let first = gathered[numbers[numbers.startIndex]]
    if numbers.count == 1, first.kind != .attribute, first.isVoided == isVoided { return try enter(first) }
    let entries = inOrder(numbers.map { gathered[$0] })
    for (index, entry) in entries.enumerated() {
      let isOfOne = index == 0 ? entry.kind == .existence || entries.count == 1 : entry.isAttribute(besides: entries[index - 1])
      guard isOfOne, entry.kind != .attribute || index > 0, entry.isVoided == isVoided else {
        throw LoadingContradiction(position: Int64(entry.position), problem: "has rows that no event writes together")
      }
      try enter(entry)
    }
  }

  /// As `Change.writes` has it: the existence, then the attributes by their names.
  private func inOrder(_ entries: [GatheredEntry]) -> [GatheredEntry] {
    if entries.count <= 2 { return entries.sorted { $0.kind.rawValue < $1.kind.rawValue } }
    let named = entries.map { (entry: $0, name: $0.kind == .attribute ? graph.texts[$0.b] : "") }
    return named.sorted { ($0.entry.kind.rawValue, $0.name) < ($1.entry.kind.rawValue, $1.name) }.map(\.entry)
  }

  private func enter(_ entry: GatheredEntry) throws(LoadingContradiction) {
    let fact = number(of: entry)
    let value = entry.effect == .begins ? try value(of: entry) : none
    graph.insert(
      entry.effect, value, of: fact, expires: entry.expires, entry.source, due: entry.due == never ? nil : entry.due,
      ListChange(position: Int64(entry.position), effective: entry.effective))
  }

  private func node(_ kind: EntityKind, _ text: Int32) -> Int32 {
    switch kind {
    case .identity: node(kind, text, identities)
    case .group: node(kind, text, groups)
    case .role: node(kind, text, roleNodes)
    case .assignment, .policy, .resource, .source, .event, .request, .credential, .finding, .review:
      graph.node(kind, text: text)
    }
  }

  private func node(_ kind: EntityKind, _ text: Int32, _ known: borrowing Chunks<Int32>) -> Int32 {
    if known[text] == none { known[text] = graph.node(kind, text: text) }
    return known[text]
  }

  /// The fact, made where there is none yet: in the order of the log, so that numbers are given as a fold gives them.
  private func number(of entry: GatheredEntry) -> Int32 {
    switch entry.kind {
    case .existence: graph.nodes[node(entry.entityKind, entry.a)].existence
    case .assignment: graph.number(of: FactKey(kind: .assignment, a: entry.a, b: none))
    case .membership:
      graph.number(of: FactKey(kind: .membership, a: node(.group, entry.a), b: node(entry.entityKind, entry.b)))
    case .attribute, .suspension, .acceptance, .link, .coverage, .gap, .reviewItem:
      graph.number(of: FactKey(kind: entry.kind, a: node(entry.entityKind, entry.a), b: entry.b))
    }
  }

  private func value(of entry: GatheredEntry) throws(LoadingContradiction) -> Int32 {
    switch (entry.kind, entry.entityKind) {
    case (.existence, .role):
      let document = try document(of: entry)
      return graph.intern(.role(document))
    case (.existence, .policy): return graph.intern(.policy(policies[Int(entry.value)]))
    case (.existence, .request): return graph.intern(.request(requests[Int(entry.value)]))
    case (.existence, .finding):
      graph.findings.append(findings[Int(entry.value)])
      return Int32(graph.findings.count - 1)
    case (.existence, .review): return graph.intern(.review(reviews[Int(entry.value)]))
    case (.reviewItem, _): return graph.intern(.reviewItem(reviewItems[Int(entry.value)]))
    case (.link, _): return node(.identity, entry.value)
    case (.assignment, _):
      let grant = grants[entry.value]
      graph.grants.append(
        GrantRecord(
          principal: node(grant.kind, grant.principal), role: node(.role, grant.role), scope: grant.scope,
          condition: grant.condition))
      return Int32(graph.grants.count - 1)
    default: return entry.value
    }
  }

  private func document(of entry: GatheredEntry) throws(LoadingContradiction) -> RoleDocument {
    let role = roles[Int(entry.value)]
    let position = Int64(entry.position)
    let found = (permissions[position] ?? []).sorted { $0.ordinal < $1.ordinal }
    guard found.indices.allSatisfy({ found[$0].ordinal == $0 }), role.isKnown || found.isEmpty else {
      throw LoadingContradiction(position: position, problem: "defines a role with permissions missing")
    }
    return RoleDocument(permissions: role.isKnown ? found.map(\.permission) : nil, includes: role.includes)
  }
}

/// An entry as it was given, with texts for what will be nodes: 56 bytes.
private struct GatheredEntry: BitwiseCopyable {
  let effective: Int64
  let expires: Int64
  let due: Int64
  let position: UInt32
  let source: Int32
  /// The texts that name the fact; of a gap, `b` is its number.
  let a: Int32
  let b: Int32
  /// What the kind says: a kind of identity, a text, or a place among what was gathered beside.
  let value: Int32
  let kind: FactKind
  /// Of what `a` names; of a membership of the member.
  let entityKind: EntityKind
  let effect: EntryEffect
  let isVoided: Bool

  init(
    _ kind: FactKind, _ entityKind: EntityKind, _ a: Int32, _ b: Int32, value: Int32, _ place: LoadedPlace
  ) {
    effective = place.effectiveAt
    expires = place.expiresAt ?? never
    due = place.dueAt ?? never
    position = UInt32(place.position)
    source = place.source
    self.a = a
    self.b = b
    self.value = value
    self.kind = kind
    self.entityKind = entityKind
    effect = place.effect
    isVoided = place.isVoided
  }

  /// Whether it is an attribute that the same event writes with the entry before it, of the same entity and not the same.
  func isAttribute(besides other: GatheredEntry) -> Bool {
    kind == .attribute && entityKind == other.entityKind && a == other.a && b != other.b && effective == other.effective
      && source == other.source && due == other.due
  }
}

private struct GatheredGrant: BitwiseCopyable {
  let kind: EntityKind
  let principal: Int32
  let role: Int32
  let scope: Int32
  let condition: Int32
}

private struct GatheredRole {
  let isKnown: Bool
  let includes: [String]
}
