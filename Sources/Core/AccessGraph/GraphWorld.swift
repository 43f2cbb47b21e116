public import Governance
import Temporal

/// The graph as known at one position, as `decide`, the rules and `plan` ask it.
public struct GraphWorld: World {
  let graph: AccessGraph
  let k: Int64

  /// The visible entries of a fact, ordered by moment.
  ///
  /// O(entries of the fact).
  public func entries(of fact: Fact) -> [Entry] {
    guard let number = graph.find(fact) else { return [] }
    var entries: [Entry] = []
    graph.forEachEntry(of: number) { entry in
      if entry.isVisible(at: k) { entries.append(graph.entry(entry)) }
    }
    return entries
  }

  /// Every fact that ever had this entity as an end.
  public func facts(about entity: Entity) -> [Fact] {
    guard let node = graph.nodeNumbers[entity].map({ graph.nodes[Int($0)] }) else { return [] }
    var listed: Set<Int32> = []  // a group that is its own member has that membership in two lists
    return [node.details, node.links, node.groups, node.members, node.assignments, node.grants].joined()
      .filter { listed.insert($0).inserted }.map(graph.fact)
  }

  /// Every fact that a source ever wrote.
  public func facts(from source: String) -> [Fact] {
    guard let number = graph.texts.find(source) else { return [] }
    return (graph.factsBySource[number] ?? []).map(graph.fact)
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
    let event = graph.events[Int(position) - 1]
    let entries = graph.entries[Int(event.firstEntry)..<Int(event.firstEntry + event.entryCount)]
    return EventSummary(
      type: graph.texts[event.type], effectiveAt: Instant(microseconds: event.effective),
      facts: entries.map { graph.fact($0.fact) }, isVoided: event.voided <= k)
  }
}

extension AccessGraph {
  /// The graph as known at a position.
  public func world(asKnownAt k: Int64) -> GraphWorld { GraphWorld(graph: self, k: k) }

  /// The number of a fact that was written before; nothing is made.
  func find(_ fact: Fact) -> Int32? {
    let key: FactKey?
    switch fact {
    case .existence(let entity): return nodeNumbers[entity].map { nodes[Int($0)].existence }
    case .attribute(let entity, let name): key = makeFound(.attribute, entity, texts.find(name))
    case .suspension(let identity): key = makeFound(.suspension, .identity(identity), -1)
    case .link(let account): key = makeFound(.link, .identity(account), -1)
    case .membership(let group, let member): key = makeFound(.membership, .group(group), nodeNumbers[member])
    case .assignment(let id): key = texts.find(id).map { FactKey(kind: .assignment, a: $0, b: -1) }
    case .coverage(let source, let resource): key = makeFound(.coverage, .source(source), texts.find(resource))
    case .coverageGap(let source, let resource, let from):
      let gap = texts.find(resource).flatMap { gapNumbers[GapKey(resource: $0, from: from.microseconds)] }
      key = makeFound(.gap, .source(source), gap)
    }
    return key.flatMap { factNumbers[$0] }
  }

  private func makeFound(_ kind: FactKind, _ entity: Entity, _ b: Int32?) -> FactKey? {
    guard let a = nodeNumbers[entity], let b else { return nil }
    return FactKey(kind: kind, a: a, b: b)
  }

  /// A fact by its number, as the domain names it.
  func fact(_ number: Int32) -> Fact {
    let key = facts[Int(number)].key
    func id(_ node: Int32) -> String { nodes[Int(node)].entity.id }
    switch key.kind {
    case .existence: return .existence(nodes[Int(key.a)].entity)
    case .attribute: return .attribute(nodes[Int(key.a)].entity, name: texts[key.b])
    case .suspension: return .suspension(identity: id(key.a))
    case .link: return .link(account: id(key.a))
    case .membership: return .membership(group: id(key.a), member: nodes[Int(key.b)].entity)
    case .assignment: return .assignment(id: texts[key.a])
    case .coverage: return .coverage(source: id(key.a), resource: texts[key.b])
    case .gap:
      let gap = gaps[Int(key.b)]
      return .coverageGap(source: id(key.a), resource: texts[gap.resource], from: Instant(microseconds: gap.from))
    }
  }

  func forEachEntry(of fact: Int32, _ body: (EntryRecord) -> Void) {
    var index = facts[Int(fact)].first
    while index >= 0 {
      body(entries[Int(index)])
      index = entries[Int(index)].next
    }
  }

  func entry(_ record: EntryRecord) -> Entry {
    let expires = record.expires == never ? nil : Instant(microseconds: record.expires)
    let effect: Effect =
      switch record.effect {
      case .begins: .begins(value(record), expiresAt: expires)
      case .extends: .extends(expiresAt: expires)
      case .ends: .ends
      }
    return Entry(
      moment: Moment(Instant(microseconds: record.effective), record.position), effect: effect,
      dueAt: record.due == never ? nil : Instant(microseconds: record.due), source: texts[record.source])
  }

  private func value(_ record: EntryRecord) -> FactValue {
    let key = facts[Int(record.fact)].key
    switch key.kind {
    case .existence:
      switch nodes[Int(key.a)].entity.kind {
      case .identity: return .identity(IdentityKind.allCases[Int(record.value)])
      case .group: return .group
      case .role: return .role(roles[Int(record.value)].document)
      case .policy: return .policy(policies[Int(record.value)])
      case .resource: return .resource
      case .source, .assignment, .event: return .source
      }
    case .attribute: return .attribute(attributes[Int(record.value)])
    case .suspension: return .suspended
    case .link: return .person(nodes[Int(record.value)].entity.id)
    case .membership: return .member
    case .assignment:
      let grant = grants[Int(record.value)]
      return .grant(
        Grant(
          principal: nodes[Int(grant.principal)].entity, role: nodes[Int(grant.role)].entity.id, scope: texts[grant.scope],
          condition: grant.condition, expiresAt: record.expires == never ? nil : Instant(microseconds: record.expires)))
    case .coverage, .gap: return .covered
    }
  }
}
