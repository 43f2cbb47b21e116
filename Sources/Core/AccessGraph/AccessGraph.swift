public import Governance
import JSON
import Temporal

/// The bitemporal graph of one tenant, folded from its log; it answers for every (t, k) up to its position.
///
/// Its own multiversion store: every entry carries its position and readers ignore what lies above theirs, so nothing is
/// copied to publish. Not safe for concurrent use by itself: its owner lets readers share it and gives `apply`, `publish`
/// and `undo` exclusive access. Memory: about 64 bytes an entry beside the texts of ids.
public final class AccessGraph {
  var texts = Interner()
  var nodes: [Node] = []
  var facts: [FactRecord] = []
  var entries: [EntryRecord] = []
  var events: [EventRecord] = []
  var roles: [CompiledRole] = []
  var grants: [GrantRecord] = []
  var policies: [PolicyDocument] = []
  var attributes: [AttributeValue] = []
  var gaps: [GapKey] = []

  var nodeNumbers: [Entity: Int32] = [:]
  var factNumbers: [FactKey: Int32] = [:]
  var gapNumbers: [GapKey: Int32] = [:]
  /// Assignments by the text of their scope.
  var assignmentsByScope: [Int32: [Int32]] = [:]
  /// Facts that a source ever wrote, by the text of the source.
  var factsBySource: [Int32: [Int32]] = [:]
  private var seenBySource: Set<FactKey> = []
  var policyNodes: [Int32] = []
  var roleNodes: [Int32] = []
  var sourceNodes: [Int32] = []
  var identityNodes: [Int32] = []
  /// Whether any loss ever said when it was due; while false, nothing needs to be looked up.
  var hasDueLosses = false

  /// The last position that readers may ask about.
  public private(set) var position: Int64 = 0

  /// The last position applied, published or not.
  public var appliedPosition: Int64 { Int64(events.count) }

  /// An empty graph at position 0.
  public init() {}

  /// Applies the next event above the published position.
  ///
  /// Cannot fail, whatever the history says.
  ///
  /// - Precondition: the event's position is `appliedPosition + 1`.
  public func apply(_ event: Event) {
    precondition(event.position == appliedPosition + 1, "events are applied in the order of their positions")
    let firstEntry = Int32(entries.count)
    for write in event.writes { insert(write, of: event) }
    var voids: Int64 = 0
    if case .eventVoided(let target) = event.change, target > 0, target < event.position { voids = target }
    events.append(
      EventRecord(
        effective: event.effectiveAt.microseconds, type: texts.number(event.change.type), firstEntry: firstEntry,
        entryCount: Int32(entries.count) - firstEntry, voids: voids))
    if voids > 0, events[Int(voids) - 1].voided == never, events[Int(voids) - 1].voids == 0 {
      setVoided(voids, by: event.position)
    }
  }

  /// Lets readers ask about everything applied.
  public func publish() { position = appliedPosition }

  /// Takes back everything above the published position.
  public func undo() { undo(to: position) }

  /// Takes back everything above a position that is not below the published one.
  public func undo(to target: Int64) {
    precondition(target >= position && target <= appliedPosition, "only what is not published can be taken back")
    while appliedPosition > target {
      let undone = appliedPosition
      let event = events.removeLast()
      if event.voids > 0, events[Int(event.voids) - 1].voided == undone { setVoided(event.voids, by: never) }
      for index in stride(from: event.firstEntry + event.entryCount - 1, through: event.firstEntry, by: -1) {
        unlink(index)
        entries.removeLast()
      }
    }
  }

  private func setVoided(_ position: Int64, by voiding: Int64) {
    events[Int(position) - 1].voided = voiding
    let event = events[Int(position) - 1]
    for index in event.firstEntry..<(event.firstEntry + event.entryCount) { entries[Int(index)].voided = voiding }
  }
}

extension AccessGraph {
  private func insert(_ write: Write, of event: Event) {
    let fact = number(of: write.fact)
    var expires: Instant?
    var value: Int32 = -1
    let effect: EntryEffect
    switch write.effect {
    case .begins(let written, let expiresAt):
      effect = .begins
      expires = expiresAt
      value = intern(written, of: fact)
    case .extends(let expiresAt):
      effect = .extends
      expires = expiresAt
    case .ends: effect = .ends
    }
    let source = texts.number(event.source)
    link(
      EntryRecord(
        effective: event.effectiveAt.microseconds, position: event.position, expires: expires?.microseconds ?? never,
        due: event.dueAt?.microseconds ?? never, value: value, source: source, fact: fact, effect: effect))
    if event.dueAt != nil { hasDueLosses = true }
    if seenBySource.insert(FactKey(kind: .existence, a: source, b: fact)).inserted {
      factsBySource[source, default: []].append(fact)
    }
  }

  /// Puts an entry at the end of storage and at its place in its fact's list.
  ///
  /// O(1) where it comes last in the fold.
  private func link(_ entry: EntryRecord) {
    let index = Int32(entries.count)
    let fact = Int(entry.fact)
    var entry = entry
    let last = facts[fact].last
    if last < 0 || entries[Int(last)].precedes(entry) {
      if last < 0 { facts[fact].first = index } else { entries[Int(last)].next = index }
      facts[fact].last = index
    } else {
      var before: Int32 = -1
      var after = facts[fact].first
      while after >= 0, entries[Int(after)].precedes(entry) {
        before = after
        after = entries[Int(after)].next
      }
      entry.next = after
      if before < 0 { facts[fact].first = index } else { entries[Int(before)].next = index }
    }
    entries.append(entry)
  }

  private func unlink(_ index: Int32) {
    let entry = entries[Int(index)]
    let fact = Int(entry.fact)
    var before: Int32 = -1
    var here = facts[fact].first
    while here != index {
      before = here
      here = entries[Int(here)].next
    }
    if before < 0 { facts[fact].first = entry.next } else { entries[Int(before)].next = entry.next }
    if facts[fact].last == index { facts[fact].last = before }
  }

  /// The node of an entity, made where there is none yet.
  func node(_ entity: Entity) -> Int32 {
    if let number = nodeNumbers[entity] { return number }
    let number = Int32(nodes.count)
    let existence = Int32(facts.count)
    let key = FactKey(kind: .existence, a: number, b: -1)
    facts.append(FactRecord(key: key))
    factNumbers[key] = existence
    nodes.append(Node(entity: entity, existence: existence))
    nodeNumbers[entity] = number
    switch entity.kind {
    case .policy: policyNodes.append(number)
    case .role: roleNodes.append(number)
    case .source: sourceNodes.append(number)
    case .identity: identityNodes.append(number)
    case .group, .resource, .assignment, .event: break
    }
    return number
  }

  private func number(of fact: Fact) -> Int32 {
    let key = makeKey(fact)
    if let number = factNumbers[key] { return number }
    let number = Int32(facts.count)
    facts.append(FactRecord(key: key))
    factNumbers[key] = number
    switch key.kind {
    case .existence, .assignment: break
    case .attribute, .suspension, .coverage, .gap: nodes[Int(key.a)].details.append(number)
    case .link: nodes[Int(key.a)].links.append(number)
    case .membership:
      nodes[Int(key.a)].members.append(number)
      nodes[Int(key.b)].groups.append(number)
    }
    return number
  }

  private func makeKey(_ fact: Fact) -> FactKey {
    switch fact {
    case .existence(let entity): FactKey(kind: .existence, a: node(entity), b: -1)
    case .attribute(let entity, let name): FactKey(kind: .attribute, a: node(entity), b: texts.number(name))
    case .suspension(let identity): FactKey(kind: .suspension, a: node(.identity(identity)), b: -1)
    case .link(let account): FactKey(kind: .link, a: node(.identity(account)), b: -1)
    case .membership(let group, let member): FactKey(kind: .membership, a: node(.group(group)), b: node(member))
    case .assignment(let id): FactKey(kind: .assignment, a: texts.number(id), b: -1)
    case .coverage(let source, let resource):
      FactKey(kind: .coverage, a: node(.source(source)), b: texts.number(resource))
    case .coverageGap(let source, let resource, let from):
      FactKey(kind: .gap, a: node(.source(source)), b: gap(GapKey(resource: texts.number(resource), from: from.microseconds)))
    }
  }

  private func gap(_ key: GapKey) -> Int32 {
    if let number = gapNumbers[key] { return number }
    let number = Int32(gaps.count)
    gaps.append(key)
    gapNumbers[key] = number
    return number
  }

  /// Keeps a value, and enters the fact where the value's own ends can find it.
  private func intern(_ value: FactValue, of fact: Int32) -> Int32 {
    switch value {
    case .identity(let kind): return Int32(IdentityKind.allCases.firstIndex(of: kind) ?? 0)
    case .group, .resource, .source, .suspended, .member, .covered: return 0
    case .role(let document):
      roles.append(compile(document))
      return Int32(roles.count - 1)
    case .policy(let policy):
      policies.append(policy)
      return Int32(policies.count - 1)
    case .attribute(let attribute):
      attributes.append(attribute)
      return Int32(attributes.count - 1)
    case .person(let person):
      let node = node(.identity(person))
      if nodes[Int(node)].links.last != fact, !nodes[Int(node)].links.contains(fact) { nodes[Int(node)].links.append(fact) }
      return node
    case .grant(let grant):
      let record = GrantRecord(
        principal: node(grant.principal), role: node(.role(grant.role)), scope: texts.number(grant.scope),
        condition: grant.condition)
      enter(fact, record)
      grants.append(record)
      return Int32(grants.count - 1)
    }
  }

  /// Lists an assignment under its principal, role and scope.
  ///
  /// Readers check the value: after an undo the lists may say more.
  private func enter(_ fact: Int32, _ grant: GrantRecord) {
    // Only an id that was written before, undone or reused, can stand in the lists already.
    let isNew = !facts[Int(fact)].isListed
    facts[Int(fact)].isListed = true
    if isNew || !nodes[Int(grant.principal)].assignments.contains(fact) {
      nodes[Int(grant.principal)].assignments.append(fact)
    }
    if isNew || !nodes[Int(grant.role)].grants.contains(fact) { nodes[Int(grant.role)].grants.append(fact) }
    if isNew || !(assignmentsByScope[grant.scope] ?? []).contains(fact) {
      assignmentsByScope[grant.scope, default: []].append(fact)
    }
  }

  private func compile(_ document: RoleDocument) -> CompiledRole {
    CompiledRole(
      document: document, includes: document.includes.map { node(.role($0)) },
      permissions: (document.permissions ?? []).map { permission in
        CompiledPermission(
          actions: permission.actions.map(Pattern.init), resources: permission.resources.map(Pattern.init),
          isConditional: permission.condition != nil)
      })
  }
}
