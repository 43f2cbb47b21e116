import Governance
import JSON
import Temporal

/// What a successful record of a trail changed, in words that need no knowledge of what was before.
enum TrailStep: Hashable {
  /// An identity or group began to exist.
  case begins(Entity, IdentityKind, [String: AttributeValue])
  case ends(Entity)
  /// An identity or group goes on under another id; what it has under the new one is not known.
  case renames(Entity, to: Entity, IdentityKind)
  case joins(group: String, member: String)
  case leaves(group: String, member: String)
  /// A principal got a role.
  case attaches(TrailPair)
  case detaches(TrailPair)
  /// A document took the place of whatever stood there.
  case puts(TrailSlot)
  /// The document whose role this is was taken away; with all below it where the whole resource went.
  case clears(String, withAllBelow: Bool)
  /// A managed policy has a version with this document.
  case defines(policy: String, version: String, isDefault: Bool, TrailDocument)
  case defaults(policy: String, version: String)
  case retires(policy: String)
  /// A managed policy bounds what an identity may do.
  case bounds(identity: String, policy: String)
  case unbounds(identity: String)
  case issues(TrailCredential)
  case revokes(String)
  /// Whether a trail records everything, and why not.
  case logs(trail: String, TrailSwitch, isOn: Bool)
  /// What could not be understood.
  case remark(String)
}

/// A principal and a role that it has or has not.
struct TrailPair: Hashable {
  var principal: Entity
  var role: String
  /// What the role permits, where the record says it; nil for a managed policy, whose document stands elsewhere.
  var permissions: [Permission]?
  var scope: String
}

/// A document and those whom it concerns.
struct TrailSlot: Hashable {
  /// The role that stands for the document, and exists as long as it.
  var role: String
  var permissions: [Permission]?
  var document: TrailDocument
  var parts: [Part]

  /// Somebody whom the document gives something.
  struct Part: Hashable {
    /// The document's role, or one for a statement of it.
    var role: String
    var permissions: [Permission]?
    var principal: Entity
    var scope: String
    var condition: JSONValue?
  }
}

/// A document as it was written, and why it cannot be said exactly, if so.
struct TrailDocument: Hashable {
  var permissions: [Permission]?
  var text: String
  var problem: String?
}

/// A key, password, certificate or session.
struct TrailCredential: Hashable {
  enum Kind: String, Hashable { case key, token, certificate, password, session }
  var id: String
  var kind: Kind
  /// As whom it acts.
  var identity: String
  /// Who got it; nil where that is not known.
  var holder: String?
  /// The key that it was got with.
  var parent: String?
  var expiresAt: Instant?
  var attributes: [String: AttributeValue] = [:]
  /// Whether it was only seen in use: it began earlier, and who got it is not known.
  var isAssumed = false
}

/// What may keep a trail from recording.
enum TrailSwitch: String, Hashable {
  case logging
  case managementEvents = "management_events"
}

/// What a record says: its steps, and how they stand among others of the same second.
struct TrailReading {
  var record: TrailRecord
  var steps: [TrailStep]
  /// The credential that it was done with, as its use shows it.
  var seen: TrailCredential?
  /// Whether it says what stood at its instant, rather than what was done then.
  var isState = false

  /// Its place in the order of cause: where something begins, first of all; where something ends, last.
  var rank: Int {
    let ranks = steps.map(\.rank)
    return ranks.contains(0) ? 0 : ranks.max() ?? TrailStep.usingRank
  }
}

extension TrailStep {
  /// The rank of a record that only uses what is there.
  static let usingRank = 6

  /// The order of cause within a second: things begin before they are given, and are taken away before they end.
  var rank: Int {
    switch self {
    case .begins, .renames: 0
    case .defines: 1
    case .defaults: 2
    case .puts, .bounds: 3
    case .attaches, .joins: 4
    case .issues(let credential): credential.kind == .session ? 6 : 5
    case .logs, .remark: 6
    case .revokes: 7
    case .leaves, .detaches, .unbounds, .clears: 8
    case .ends, .retires: 9
    }
  }

  /// What the step turns on or off, and about whom.
  var toggle: TrailToggle? {
    switch self {
    case .begins(let entity, _, _): TrailToggle(.exists(entity), isOn: true, about: entity)
    case .ends(let entity): TrailToggle(.exists(entity), isOn: false, about: entity)
    case .defines(let policy, _, _, _): TrailToggle(.exists(.role(policy)), isOn: true, about: .role(policy))
    case .retires(let policy): TrailToggle(.exists(.role(policy)), isOn: false, about: .role(policy))
    case .joins(let group, let member):
      TrailToggle(.member(group: group, member), isOn: true, about: .identity(member))
    case .leaves(let group, let member):
      TrailToggle(.member(group: group, member), isOn: false, about: .identity(member))
    case .attaches(let pair): TrailToggle(.has(pair.principal, pair.role), isOn: true, about: pair.principal)
    case .detaches(let pair): TrailToggle(.has(pair.principal, pair.role), isOn: false, about: pair.principal)
    case .puts(let slot): TrailToggle(.exists(.role(slot.role)), isOn: true, about: slot.parts.first?.principal)
    case .clears(let role, _): TrailToggle(.exists(.role(role)), isOn: false, about: nil)
    default: nil
    }
  }
}

/// Something that a step turns on or off.
struct TrailToggle: Hashable {
  enum Subject: Hashable {
    case exists(Entity)
    case member(group: String, String)
    case has(Entity, String)
  }
  let subject: Subject
  let isOn: Bool
  /// Whose end would end it too.
  let about: Entity?

  init(_ subject: Subject, isOn: Bool, about: Entity?) { (self.subject, self.isOn, self.about) = (subject, isOn, about) }
}
