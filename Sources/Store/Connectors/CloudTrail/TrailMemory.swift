import Governance
import JSON
import Temporal

/// What the planning of a record asks of all that was recorded before, kept at hand instead of being looked for each time.
struct TrailMemory {
  /// The resources that have documents or shares, with the roles of these.
  var below: [String: Set<String>] = [:]
  /// Every identity that was ever bounded.
  var everBounded: Set<Entity> = []
  /// The users, roles and roots that were ever known, by their accounts.
  var people: [String: Set<Entity>] = [:]
  /// The accounts that a document named as a whole, whose people are a group.
  var gathered: Set<String> = []
  /// What goes on under which other id, and since when.
  private(set) var renames: [Entity: [(at: Instant, new: Entity)]] = [:]
  /// When the last of them was: what is later has nothing to carry on.
  private(set) var lastRename = Instant.earliest

  /// Nothing is known.
  init() {}

  /// - Parameter sources: those of the accounts that are being imported.
  init(of sources: [String], in world: some World) {
    var roles: Set<Entity> = []
    for fact in sources.flatMap(world.facts(from:)) {
      switch fact {
      case .existence(let entity) where entity.kind == .role: roles.insert(entity)
      case .existence(let entity): meet(entity)
      case .attribute(let entity, "renamed_from"):
        for entry in world.entries(of: fact) {
          guard case .begins(.attribute(.open(let value)), _) = entry.effect, let old = value.stringValue else { continue }
          note(Entity(entity.kind, old), renamed: entity, at: entry.moment.effective)
        }
      default: continue
      }
    }
    for role in roles where !TrailRoles.isStatement(role.id, among: roles) {
      guard let resource = TrailRoles.resource(of: role.id) else { continue }
      below[resource, default: []].insert(role.id)
    }
    everBounded = TrailRoles.bounded(in: world)
  }

  /// Keeps a rename in mind.
  mutating func note(_ old: Entity, renamed new: Entity, at t: Instant) {
    renames[old, default: []].append((t, new))
    lastRename = max(lastRename, t)
  }

  /// Keeps an entity in mind that is one of an account's people, or an account's people themselves.
  mutating func meet(_ entity: Entity) {
    if entity.kind == .group, entity.id.utf8.starts(with: BuiltIn.accountPrefix.utf8) {
      gathered.insert(String(entity.id.dropFirst(BuiltIn.accountPrefix.count)))
    }
    if let account = Self.account(of: entity) { people[account, default: []].insert(entity) }
  }

  /// The account whose policies, where they name the account as a whole, mean this identity; nil where there is none.
  static func account(of entity: Entity) -> String? {
    guard entity.kind == .identity, let arn = AmazonName(entity.id), arn.service == "iam", AmazonName.isAccount(arn.account)
    else { return nil }
    return ["user", "role", "root"].contains(arn.kind) ? String(arn.account) : nil
  }

  /// The people who were recorded without the path that, as is known now, they have: what was recorded then stays there.
  func misplaced(_ names: TrailNames) -> [(known: String, recorded: String)] {
    let renamed = Set(renames.keys).union(renames.values.joined().map(\.new))
    return people.flatMap { account, entities in
      entities.compactMap { entity in
        guard let arn = AmazonName(entity.id), let kind = TrailNames.Kind(rawValue: String(arn.kind)) else { return nil }
        let known = names.arn(kind, String(arn.name), in: account)
        let isPlain = arn.resource.utf8.elementsEqual("\(arn.kind)/\(arn.name)".utf8)
        return isPlain && !renamed.contains(entity) && !known.isExactly(entity.id) ? (known, entity.id) : nil
      }
    }.sorted { $0.recorded.precedes($1.recorded) }
  }

  /// Until when an identity and the key that it used stand as they do at an instant; that instant where they do not.
  static func stands(_ identity: TrailIdentity, from t: Instant, in world: some World) -> Instant {
    var entities = [Entity.identity(identity.id)]
    if let key = identity.key, AmazonName(identity.id) != nil { entities.append(.credential(key)) }
    var until = Instant.latest
    for entity in entities {
      let spans = Span.spans(of: world.entries(of: .existence(entity)))
      guard let span = spans.first(where: { $0.contains(t) }) else { return t }
      until = min(until, span.to ?? .latest)
    }
    return until
  }
}

extension TrailNames {
  /// The names that a log has from former imports.
  init(_ destination: some ImportDestination) throws(ImportError) {
    self.init()
    do {
      let ids = try destination.read { world in
        world.named(.source).filter { $0.utf8.starts(with: TrailWords.sourcePrefix.utf8) }
          .flatMap(world.facts(from:)).compactMap { fact in
            if case .existence(let entity) = fact { entity.id } else { nil }
          }
      }
      for id in ids { learn(id) }
    } catch { throw .unreadable("\(error)") }
  }
}
