import Cryptography
import Governance
import JSON
import Temporal

/// Turns what records say into commands, in a world in which any of it may be known already, in any order.
///
/// Nothing is planned that would be other had the records come in another order: each write is its own entry in the fold, and
/// where one write ends what another began, it looks behind and ahead of itself.
struct TrailPlanner<Base: World> {
  var world: PlannedWorld<Base>
  var memory: TrailMemory
  private(set) var remarks: [String] = []

  // Of the record that is being planned:
  var commands: [Command] = []
  var at = Instant.earliest
  private var eventID = ""
  var account = ""
  var source = ""
  var authority = Authority()
  private var grants = 0
  private var isState = false
  /// Whose holdings the record changed.
  var touched: Set<Entity> = []

  init(_ world: PlannedWorld<Base>, memory: TrailMemory) {
    (self.world, self.memory) = (world, memory)
  }

  /// Whether something holds just before an instant.
  func isHeld(_ subject: TrailToggle.Subject, before t: Instant) -> Bool {
    let t = t.adding(microseconds: -1)
    switch subject {
    case .exists(let entity): return world.exists(entity, at: t)
    case .member(let group, let member):
      return world.value(of: .membership(group: group, member: .identity(member)), at: t) != nil
    case .has(let principal, let role):
      return world.assignments(role: role, principal: principal, notEndedBy: t).contains {
        $0.spans.contains { $0.contains(t) }
      }
    }
  }

  /// The commands of one record; empty where nothing has to be recorded.
  mutating func plan(_ reading: TrailReading) -> [Command] {
    begin(reading.record)
    isState = reading.isState
    if isState {
      authority = Authority(reason: "account authorization details")
    } else {
      meet(reading.record, with: reading.seen)
    }
    for step in reading.steps { take(step) }
    carryOn()
    return commands
  }

  private mutating func begin(_ record: TrailRecord) {
    (commands, at, eventID, account, grants) = ([], record.at, record.id, record.account, 0)
    source = TrailWords.sourcePrefix + record.account
    authority = record.authority
    touched = []
  }

  private mutating func take(_ step: TrailStep) {
    switch step {
    case .begins(let entity, let kind, let attributes): begin(entity, kind, attributes)
    case .ends(let entity): end(entity)
    case .renames(let old, let new, let kind): rename(old, new, kind)
    case .joins(let group, let member):
      meet(.group(group), nil)
      meet(.identity(member), nil)
      emit(.membershipAdded(group: group, member: .identity(member), expiresAt: nil))
    case .leaves(let group, let member): leave(group, .identity(member))
    case .attaches(let pair): attach(pair)
    case .detaches(let pair): detach(pair)
    case .puts(let slot): put(slot)
    case .clears(let role, let withAllBelow): clear(role, withAllBelow)
    case .defines(let policy, let version, let isDefault, let document): define(policy, version, isDefault, document)
    case .defaults(let policy, let version): setDefault(policy, version)
    case .retires(let policy): emit(.roleRetired(id: policy))
    case .bounds(let identity, let policy): bound(identity, policy, at: at)
    case .unbounds(let identity):
      touched.insert(.identity(identity))
      emit(.policyRetired(id: Self.boundary(of: identity)))
    case .issues(let credential): issue(credential)
    case .revokes(let id): emit(.credentialRevoked(id: id))
    case .logs(let trail, let reason, let isOn): log(trail, reason, isOn)
    case .remark: break
    }
  }

  mutating func emit(_ change: Change, at t: Instant? = nil) {
    let t = t ?? at
    commands.append(Command(change, expecting: .either, effectiveAt: t, authority: authority))
    world.apply(change, at: t, source: source)
    switch change {
    case .identityRegistered(let id, let kind, _) where kind != .external: gather(.identity(id), at: t)
    case .membershipAdded(let group, let member, _), .membershipRemoved(let group, let member):
      touched.formUnion([.group(group), member])
    case .assignmentGranted(_, let grant): touched.insert(grant.principal)
    case .assignmentRevoked(let id):
      for case .begins(.grant(let grant), _) in world.entries(of: .assignment(id: id)).map(\.effect) {
        touched.insert(grant.principal)
      }
    case .credentialIssued(_, let document, _): touched.insert(.identity(document.identity))
    case .roleDefined(let id, _, _), .roleRetired(let id):
      if memory.lastRename <= at { break }
      for fact in world.facts(about: .role(id)) {
        for case .begins(.grant(let grant), _) in world.entries(of: fact).map(\.effect) { touched.insert(grant.principal) }
      }
    default: break
    }
  }
}

// MARK: Who exists

extension TrailPlanner {
  /// The identity who acted, and the credential that was used, known from then on.
  private mutating func meet(_ record: TrailRecord, with credential: TrailCredential?) {
    meet(.identity(record.identity.id), nil)
    if let credential { issue(credential) }
  }

  /// What is named and was never seen to begin: it was there before, and what it had then is not known.
  mutating func meet(_ entity: Entity, _ kind: IdentityKind?, at instant: Instant? = nil) {
    let t = instant ?? at
    if world.exists(entity, at: t), !isTakenForExternal(entity, at: t) { return }
    let attributes: [String: AttributeValue] = ["account": .open(.string(account))]
    switch entity.kind {
    case .group: emit(.groupCreated(id: entity.id, attributes: attributes), at: t)
    case .role:
      let unknown: [String: AttributeValue] = [
        "not_understood": .open("the document is not in the trail"), "assumed": .open(true),
      ]
      emit(.roleDefined(id: entity.id, document: RoleDocument(permissions: nil), attributes: unknown), at: t)
    default:
      let kind = kind ?? self.kind(of: entity.id)
      emit(
        .identityRegistered(
          id: entity.id, kind: kind, attributes: kind == .external || kind == .placeholder ? [:] : attributes), at: t)
      if kind == .external || kind == .placeholder { return }
    }
    if entity.kind == .role || isNotPermitted(entity) { return }
    unrecorded(entity, at: t)
    // What begins later by its creation had ended before it.
    guard let next = world.entries(of: .existence(entity)).first(where: { $0.moment.effective > t }),
      case .begins = next.effect, !isAssumed(entity, at: next.moment.effective)
    else { return }
    let ended = next.moment.effective.adding(microseconds: -1)
    if ended > t { emit(entity.kind == .group ? .groupDeleted(id: entity.id) : .identityRetired(id: entity.id), at: ended) }
  }

  /// Whether an existence that begins then was only concluded from its use.
  private func isAssumed(_ entity: Entity, at t: Instant) -> Bool {
    world.assignments(role: TrailWords.unrecordedRole, principal: entity).contains { $0.entries.first?.moment.effective == t }
  }

  /// Whether another account's trail named an identity that is this account's own.
  private func isTakenForExternal(_ entity: Entity, at t: Instant) -> Bool {
    guard entity.kind == .identity, kind(of: entity.id) != .external else { return false }
    return world.value(of: .existence(entity), at: t) == .identity(.external)
  }

  /// What an id that was only named is: one of this account by its ARN, else somebody outside.
  private func kind(of id: String) -> IdentityKind {
    guard let arn = AmazonName(id) else {
      // A kind of caller rather than anybody's name.
      return id.allSatisfy(\.isLetter) && id != TrailWords.everyone && id != TrailWords.authenticated ? .placeholder : .external
    }
    if arn.account != account { return .external }
    switch (arn.service, arn.kind) {
    case ("iam", "user"), ("iam", "root"): return .account
    case ("iam", "role"): return .assumableRole
    case ("iam", "instance-profile"): return .workload
    case ("sts", "federated-user"): return .account
    default: return .external
    }
  }

  /// Whether nothing is ever given to it by a policy of its own.
  private func isNotPermitted(_ entity: Entity) -> Bool {
    guard let arn = AmazonName(entity.id) else { return entity.kind == .group }
    if arn.kind == "federated-user" { return false }
    return arn.service != "iam" || arn.kind == "instance-profile"
  }

  /// The role of those whose former access is not known.
  private mutating func unrecorded(_ entity: Entity, at t: Instant) {
    let role = TrailWords.unrecordedRole
    if !world.exists(.role(role), at: t) {
      let why = "what was given before the trail is not in it"
      emit(
        .roleDefined(
          id: role, document: RoleDocument(permissions: nil), attributes: ["not_understood": .open(.string(why))]), at: t)
    }
    grant(Grant(principal: entity, role: role, scope: TrailWords.scope(account)), at: t, until: nil)
  }

  /// Something is created: it did not exist just before, and what was assumed of it later is taken back.
  mutating func begin(_ entity: Entity, _ kind: IdentityKind, _ attributes: [String: AttributeValue]) {
    if world.exists(entity, at: at), world.exists(entity, at: at.adding(microseconds: -1)) {
      // Created anew though it was not seen to end: it ended unseen. Where it only stood there, all it has is known from now on.
      if !isState { end(entity) }
      for held in world.assignments(role: TrailWords.unrecordedRole, principal: entity)
      where isState && held.spans.contains(where: { $0.contains(at) }) {
        emit(.assignmentRevoked(id: held.id))
      }
    }
    let later = world.entries(of: .existence(entity)).filter { $0.moment.effective > at }
    let until = later.first { if case .ends = $0.effect { true } else { false } }?.moment
    if entity.kind == .group {
      emit(.groupCreated(id: entity.id, attributes: attributes))
    } else {
      emit(.identityRegistered(id: entity.id, kind: kind, attributes: attributes))
    }
    for held in world.assignments(role: TrailWords.unrecordedRole, principal: entity) {
      guard let begun = held.entries.first?.moment, begun.effective >= at, until.map({ begun < $0 }) ?? true else { continue }
      void(begun.position, "\(entity.id) is seen to begin")
    }
  }

  mutating func end(_ entity: Entity) {
    emit(entity.kind == .group ? .groupDeleted(id: entity.id) : .identityRetired(id: entity.id))
    unbind(entity, at: at)
  }

  /// Takes back what was assumed; only of an earlier import, for what is planned now was planned in the order of time.
  mutating func void(_ position: Int64, _ why: String) {
    guard !PlannedWorld<Base>.isPlanned(position), world.void(position) else { return }
    commands.append(
      Command(
        .eventVoided(position: position), authority: Authority(reason: "assumed, and not so: \(why)", ticket: authority.ticket))
    )
  }
}

// MARK: Who has what

extension TrailPlanner {
  mutating func grant(_ grant: Grant, at t: Instant? = nil, until: Instant?) {
    let id = "\(source)/\(eventID)/\(grants)"
    grants += 1
    emit(.assignmentGranted(id: id, grant: grant), at: t)
    if let until { emit(.assignmentRevoked(id: id), at: until) }
  }

  private mutating func attach(_ pair: TrailPair) {
    meet(pair.principal, nil)
    ready(pair)
    let others = world.assignments(role: pair.role, principal: pair.principal, notEndedBy: at).filter { isOf(pair, $0.grant) }
    if isState, others.contains(where: { $0.spans.contains { $0.contains(at) } }) { return }
    for other in others where other.spans.contains(where: { $0.contains(at) }) { emit(.assignmentRevoked(id: other.id)) }
    let grant = Grant(principal: pair.principal, role: pair.role, scope: pair.scope)
    self.grant(grant, until: others.flatMap(\.entries).map(\.moment.effective).filter { $0 > at }.min())
  }

  private mutating func detach(_ pair: TrailPair) {
    let held = world.assignments(role: pair.role, principal: pair.principal, notEndedBy: at).filter { other in
      isOf(pair, other.grant) && other.spans.contains { $0.contains(at) }
    }
    for other in held { emit(.assignmentRevoked(id: other.id)) }
    if !held.isEmpty { return }
    // It had it until then, since when is not known: just before is certain, and keeps the end for whoever learns the rest.
    let before = at.adding(microseconds: -1)
    meet(pair.principal, nil, at: before)
    ready(pair, at: before)
    grant(Grant(principal: pair.principal, role: pair.role, scope: pair.scope), at: before, until: at)
  }

  /// Who leaves a group was in it until then, whether or not that was seen; see `detach`.
  private mutating func leave(_ group: String, _ member: Entity) {
    if !world.holds(.membership(group: group, member: member), at: at) {
      let before = at.adding(microseconds: -1)
      meet(.group(group), nil, at: before)
      meet(member, nil, at: before)
      emit(.membershipAdded(group: group, member: member, expiresAt: nil), at: before)
    }
    emit(.membershipRemoved(group: group, member: member))
  }

  private func isOf(_ pair: TrailPair, _ grant: Grant) -> Bool {
    grant.principal == pair.principal && grant.scope.isExactly(pair.scope)
  }

  /// The role of a pair exists.
  private mutating func ready(_ pair: TrailPair, at t: Instant? = nil) {
    guard let permissions = pair.permissions else { return meet(.role(pair.role), nil, at: t) }
    note(pair.role)
    if world.exists(.role(pair.role), at: t ?? at) { return }
    emit(.roleDefined(id: pair.role, document: RoleDocument(permissions: permissions), attributes: [:]), at: t)
  }

  private mutating func put(_ slot: TrailSlot) {
    note(slot.role)
    let marker = Fact.existence(.role(slot.role))
    let next = world.entries(of: marker).map(\.moment.effective).filter { $0 > at }.min()
    // A whole policy takes the place of single statements too.
    let single = (TrailRoles.resource(of: slot.role).flatMap { memory.below[$0] } ?? []).filter {
      $0.hasPrefix(slot.role + "/")
    }
    for role in single.sorted(by: { $0.precedes($1) }) { clear(role, false) }
    for id in held(slot.role) { emit(.assignmentRevoked(id: id)) }
    define(slot.role, slot.permissions, slot.document)
    var defined: Set<String> = [slot.role]
    for part in slot.parts {
      if defined.insert(part.role).inserted {
        let document = RoleDocument(permissions: part.permissions)
        emit(.roleDefined(id: part.role, document: document, attributes: [:]))
      }
      if part.principal.kind == .group, part.principal.id.utf8.starts(with: BuiltIn.accountPrefix.utf8) {
        gather(String(part.principal.id.dropFirst(BuiltIn.accountPrefix.count)))
      } else {
        meet(part.principal, nil)
      }
      let grant = Grant(principal: part.principal, role: part.role, scope: part.scope, condition: part.condition)
      self.grant(grant, until: next)
    }
  }

  /// The assignments that a document's roles have at t: its own, and those of its statements.
  private func held(_ role: String) -> [String] {
    var roles = [role]
    while case let next = TrailWords.id(role, "\(roles.count - 1)"), !world.entries(of: .existence(.role(next))).isEmpty {
      roles.append(next)
    }
    return roles.flatMap { world.assignments(role: $0, notEndedBy: at) }.filter { $0.spans.contains { $0.contains(at) } }.map(
      \.id)
  }

  private mutating func clear(_ role: String, _ withAllBelow: Bool) {
    let roles = withAllBelow ? (memory.below[role] ?? []).sorted { $0.precedes($1) } : [role]
    for role in roles where !withAllBelow || world.exists(.role(role), at: at) {
      for id in held(role) { emit(.assignmentRevoked(id: id)) }
      emit(.roleRetired(id: role))
    }
  }

  /// Keeps in mind that a resource has this document, for when the resource goes.
  private mutating func note(_ role: String) {
    guard let resource = TrailRoles.resource(of: role) else { return }
    memory.below[resource, default: []].insert(role)
  }

  /// Says what a document's role is: its permissions, the text they were read from, and why they are not known, if so.
  private mutating func define(_ role: String, _ permissions: [Permission]?, _ document: TrailDocument) {
    emit(.roleDefined(id: role, document: RoleDocument(permissions: permissions), attributes: Self.attributes(document)))
  }

  static func attributes(_ document: TrailDocument) -> [String: AttributeValue] {
    var attributes: [String: AttributeValue] = ["not_understood": .open(document.problem.map { .string($0) } ?? .null)]
    if document.text.isEmpty { return attributes }
    // Escapes may make a text up to six times as long.
    let isShort = document.text.utf8.count * 6 < Limits.attributeValueBytes
    let digest = SHA256.digest(Array(document.text.utf8)).hexadecimal
    attributes["document"] = .open(.string(isShort ? document.text : "sha256:\(digest)"))
    return attributes
  }
}
