import Conditions
import Governance
import JSON
import Memory
import Temporal

/// Names to numbers: entities, facts, values.
extension AccessGraph {
  /// The node of an entity; nil where it was never named.
  func find(_ entity: Entity) -> Int32? { texts.find(entity.id).flatMap { find(entity.kind, text: $0) } }

  func find(_ kind: EntityKind, text: Int32) -> Int32? {
    nodeNumbers.find(Self.hash(kind, text)) { nodes[$0].text == text && nodes[$0].kind == kind }
  }

  /// The node of an entity, made where there is none yet.
  func node(_ entity: Entity) -> Int32 { node(entity.kind, text: texts.number(entity.id)) }

  func node(_ kind: EntityKind, text: Int32) -> Int32 {
    if let number = find(kind, text: text) { return number }
    let number = Int32(nodes.count)
    let existence = makeFact(FactKey(kind: .existence, a: number, b: none))
    nodes.append(NodeRecord(kind: kind, text: text, existence: existence))
    nodeTexts.append(text)
    nodeNumbers.insert(Self.hash(kind, text), number)
    switch kind {
    case .policy: policyNodes.append(number)
    case .request: requestNodes.append(number)
    case .review: reviewNodes.append(number)
    case .role: roleNodes.append(number)
    case .source: sourceNodes.append(number)
    case .identity:
      identityNodes.append(number)
      if text == Self.everyoneText { everyoneNode = number }
      if text == Self.authenticatedText { authenticatedNode = number }
    case .group, .resource, .assignment, .event, .credential, .finding: break
    }
    return number
  }

  /// The entity of a node.
  func entity(_ node: Int32) -> Entity { Entity(nodes[node].kind, id(node)) }

  /// The id of a node.
  func id(_ node: Int32) -> String { texts[nodes[node].text] }

  private static func hash(_ kind: EntityKind, _ text: Int32) -> UInt64 {
    mixed(UInt64(UInt32(bitPattern: text)) << 8 | UInt64(kind.number))
  }
}

extension EntityKind {
  /// A small number of its own, for hashing.
  fileprivate var number: UInt8 {
    switch self {
    case .identity: 0
    case .group: 1
    case .role: 2
    case .assignment: 3
    case .policy: 4
    case .resource: 5
    case .source: 6
    case .event: 7
    case .request: 8
    case .credential: 9
    case .finding: 10
    case .review: 11
    }
  }
}

extension AccessGraph {
  /// The number of a fact that was written before; nothing is made.
  func find(_ fact: Fact) -> Int32? {
    switch fact {
    case .existence(let entity): find(entity).map { nodes[$0].existence }
    case .attribute(let entity, let name): find(.attribute, entity, texts.find(name))
    case .suspension(let identity): find(.suspension, .identity(identity), none)
    case .acceptance(let finding): find(.acceptance, .finding(finding), none)
    case .link(let account): find(.link, .identity(account), none)
    case .membership(let group, let member): find(.membership, .group(group), find(member))
    case .assignment(let id): texts.find(id).flatMap { find(FactKey(kind: .assignment, a: $0, b: none)) }
    case .coverage(let source, let resource): find(.coverage, .source(source), texts.find(resource))
    case .coverageGap(let source, let resource, let from):
      find(
        .gap, .source(source), texts.find(resource).flatMap { gapNumbers[GapKey(resource: $0, from: from.microseconds)] })
    case .reviewItem(let review, let item): find(.reviewItem, Entity(.review, review), texts.find(item.text))
    }
  }

  private func find(_ kind: FactKind, _ entity: Entity, _ b: Int32?) -> Int32? {
    guard let a = find(entity), let b else { return nil }
    return find(FactKey(kind: kind, a: a, b: b))
  }

  func find(_ key: FactKey) -> Int32? { factNumbers.find(Self.hash(key)) { facts[$0].key == key } }

  /// The number of a fact, made where there is none yet.
  func number(of fact: Fact) -> Int32 {
    switch fact {
    case .existence(let entity): nodes[node(entity)].existence
    case .attribute(let entity, let name):
      number(of: FactKey(kind: .attribute, a: node(entity), b: texts.number(name)))
    case .suspension(let identity): number(of: FactKey(kind: .suspension, a: node(.identity(identity)), b: none))
    case .acceptance(let finding): number(of: FactKey(kind: .acceptance, a: node(.finding(finding)), b: none))
    case .link(let account): number(of: FactKey(kind: .link, a: node(.identity(account)), b: none))
    case .membership(let group, let member):
      number(of: FactKey(kind: .membership, a: node(.group(group)), b: node(member)))
    case .assignment(let id): number(of: FactKey(kind: .assignment, a: texts.number(id), b: none))
    case .coverage(let source, let resource):
      number(of: FactKey(kind: .coverage, a: node(.source(source)), b: texts.number(resource)))
    case .coverageGap(let source, let resource, let from):
      number(
        of: FactKey(
          kind: .gap, a: node(.source(source)),
          b: gap(GapKey(resource: texts.number(resource), from: from.microseconds))))
    case .reviewItem(let review, let item):
      number(of: FactKey(kind: .reviewItem, a: node(Entity(.review, review)), b: texts.number(item.text)))
    }
  }

  func number(of key: FactKey) -> Int32 {
    if let number = find(key) { return number }
    let number = makeFact(key)
    switch key.kind {
    case .existence, .assignment, .link, .membership: break
    case .attribute, .suspension, .acceptance, .coverage, .gap, .reviewItem:
      if nodes[key.a].details == none { nodes[key.a].details = factLists.make() }
      factLists.append(number, to: nodes[key.a].details)
    }
    return number
  }

  private func makeFact(_ key: FactKey) -> Int32 {
    let number = Int32(facts.count)
    facts.append(FactRecord(key: key))
    // An existence is found through its node.
    if key.kind != .existence { factNumbers.insert(Self.hash(key), number) }
    return number
  }

  private static func hash(_ key: FactKey) -> UInt64 {
    mixed(
      UInt64(UInt32(bitPattern: key.a)) << 32 ^ UInt64(UInt32(bitPattern: key.b)) ^ UInt64(key.kind.rawValue) << 56)
  }

  func gap(_ key: GapKey) -> Int32 {
    if let number = gapNumbers[key] { return number }
    let number = Int32(gaps.count)
    gaps.append(key)
    gapNumbers[key] = number
    return number
  }

  /// The facts in a list of facts.
  func listedFacts(_ list: Int32) -> [Int32] {
    if list == none { return [] }
    let view = factLists.view(list)
    return (0..<view.count).map { view[$0] }
  }
}

/// Resource paths that something is granted on, or that a source vouches for.
extension AccessGraph {
  /// The number of a resource by the text of its path; `none` where nothing was ever said of it.
  func findResource(_ text: Int32) -> Int32 {
    resourceNumbers.find(mixed(UInt64(UInt32(bitPattern: text)))) { resources[$0].text == text } ?? none
  }

  /// The lists of a resource by the text of its path.
  func resource(_ text: Int32) -> ResourceRecord {
    let number = findResource(text)
    return number == none ? ResourceRecord(text: text) : resources[number]
  }

  /// The number of a resource, made where there is none yet.
  func resourceNumber(_ text: Int32) -> Int32 {
    let found = findResource(text)
    if found != none { return found }
    let number = Int32(resources.count)
    resources.append(ResourceRecord(text: text))
    if texts[text].utf8.starts(with: Trust.prefix.utf8) { trustScopes.insert(text) }
    resourceNumbers.insert(mixed(UInt64(UInt32(bitPattern: text))), number)
    return number
  }

  /// The texts of the scopes that cover exactly this resource, as far as any is known: `*`, its prefixes by whole segments,
  /// itself.
  func scopes(covering resource: String) -> [Int32] {
    var found: [Int32] = []
    found.reserveCapacity(Self.usualScopes)
    found.append(Self.everything)
    let bytes = resource.utf8.span
    for end in 0..<bytes.count where bytes[end] == UInt8(ascii: "/") {
      if let scope = texts.find(utf8: bytes.extracting(0..<end)) { found.append(scope) }
    }
    if let own = texts.find(utf8: bytes), own != Self.everything { found.append(own) }
    return found
  }

  /// The text `*`, the first of every graph.
  static let everything: Int32 = 0
  /// The texts of the built-in principals, the next ones.
  static let everyoneText: Int32 = 1
  static let authenticatedText: Int32 = 2

  /// Segments that a path rarely has more of.
  private static let usualScopes = 8
}

/// Values to numbers.
extension AccessGraph {
  /// Keeps a value and returns its number.
  func intern(_ value: FactValue) -> Int32 {
    switch value {
    case .identity(let kind): return kind.number
    case .group, .resource, .source, .suspended, .member, .covered, .accepted: return 0
    case .role(let document):
      return add(CompiledRole(document: document, includes: document.includes.map { node(.role($0)) }))
    case .policy(let policy): return add(policy)
    case .request(let request):
      requests.append(request)
      return Int32(requests.count - 1)
    case .credential(let document): return add(document)
    case .finding(let finding):
      findings.append(CompactFinding(finding))
      return Int32(findings.count - 1)
    case .review(let review):
      reviews.append(review)
      return Int32(reviews.count - 1)
    case .reviewItem(let state):
      reviewItems.append(state)
      return Int32(reviewItems.count - 1)
    case .attribute(let attribute):
      attributes.append(attribute)
      return Int32(attributes.count - 1)
    case .person(let person): return node(.identity(person))
    case .grant(let grant):
      return add(
        principal: node(grant.principal), role: node(.role(grant.role)), scope: texts.number(grant.scope),
        condition: grant.condition)
    }
  }

  func add(_ role: CompiledRole) -> Int32 {
    roles.append(role)
    if role.hasDenies { hasDenyPermissions = true }
    return Int32(roles.count - 1)
  }

  func add(_ policy: PolicyDocument) -> Int32 {
    let policy = CompiledPolicy(policy)
    policies.append(policy)
    if policy.isRestricting { hasRestrictingPolicies = true }
    if policy.elevation != nil { hasElevationPolicies = true }
    return Int32(policies.count - 1)
  }

  func add(principal: Int32, role: Int32, scope: Int32, condition: JSONValue?) -> Int32 {
    grants.append(GrantRecord(principal: principal, role: role, scope: scope, condition: add(condition)))
    return Int32(grants.count - 1)
  }

  func add(_ condition: JSONValue?) -> Int32 {
    guard let condition else { return none }
    conditions.append(Condition(observed: condition))
    return Int32(conditions.count - 1)
  }

  /// The conditions of a grant: one or none.
  func conditions(of grant: GrantRecord) -> [Condition] { condition(of: grant).map { [$0] } ?? [] }

  /// The condition of a grant.
  func condition(of grant: GrantRecord) -> Condition? {
    guard grant.isConditional else { return Optional.none }
    return conditions[Int(grant.condition)]
  }
}

extension IdentityKind {
  /// Its number among all kinds.
  var number: Int32 { Int32(Self.allCases.firstIndex(of: self) ?? 0) }
}
