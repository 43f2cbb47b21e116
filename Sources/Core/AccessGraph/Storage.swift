import Conditions
import Governance
import JSON
import Temporal

/// "Never" and "no end" in flat storage: later than every instant and every position.
let never = Int64.max

/// "None" for numbers of nodes, facts, entries and lists.
let none: Int32 = -1

/// An entity in the graph: the lists of the facts that have it as an end, and a summary of its existence.
///
/// 64 bytes, one cache line. Lists are made when something is first put into them.
struct NodeRecord: BitwiseCopyable {
  let kind: EntityKind
  /// The identity was suspended at some time.
  var hasSuspension = false
  /// An ending or suspension of it ever said when it was due.
  var hasDue = false
  /// It exists exactly over [`since`, `until`), as known at the last applied position; otherwise its entries have to be read.
  var isPlain = true
  /// The text of its id.
  let text: Int32
  /// The fact of its existence.
  let existence: Int32
  /// Memberships whose group this is; of a role or a policy, its definitions.
  var members: Int32 = none
  /// Memberships whose member this is.
  var groups: Int32 = none
  /// Assignments whose principal this is.
  var assignments: Int32 = none
  /// Assignments whose role this is.
  var grants: Int32 = none
  /// Links in which this is the account.
  var links: Int32 = none
  /// Links in which this is the person.
  var accounts: Int32 = none
  /// Attributes, suspension, coverage and gaps, items of a review: facts, not edges.
  var details: Int32 = none
  /// The last position that changed its existence or suspension.
  var changed: UInt32 = 0
  var sincePosition: UInt32 = 0
  var since: Int64 = never
  var until: Int64 = never

  init(kind: EntityKind, text: Int32, existence: Int32) {
    self.kind = kind
    self.text = text
    self.existence = existence
  }

  var definitions: Int32 { members }

  /// Whether it is an identity that came and of which nothing else is known: not ended, suspended, linked or due to.
  var isUneventful: Bool {
    kind == .identity && isPlain && since != never && until == never && !hasSuspension && !hasDue && links == none
  }
}

/// What kind of fact a record holds; `a` and `b` mean what the kind says.
enum FactKind: UInt8, BitwiseCopyable {
  /// a: node.
  case existence
  /// a: node, b: text of the name.
  case attribute
  /// a: node.
  case suspension
  /// a: node of the account.
  case link
  /// a: node of the group, b: node of the member.
  case membership
  /// a: text of the id.
  case assignment
  /// a: node of the source, b: text of the resource.
  case coverage
  /// a: node of the source, b: index of the gap.
  case gap
  /// a: node of the finding.
  case acceptance
  /// a: node of the review, b: text of the item.
  case reviewItem
}

/// Identifies a fact.
struct FactKey: Hashable, BitwiseCopyable {
  let kind: FactKind
  let a: Int32
  let b: Int32
}

/// A fact: its key and its entries, a list in the order of the fold.
///
/// 32 bytes.
struct FactRecord: BitwiseCopyable {
  let key: FactKey
  var first = none
  var last = none
  /// The beginning of the stretch that the last entry leaves open; `none` where it is ended.
  var open = none
  /// The text of the source that first wrote it.
  var source = none
  /// An ending of it ever said when it was due.
  var hasDue = false
}

/// What an entry does to its fact.
public enum EntryEffect: UInt8, BitwiseCopyable, Sendable {
  case begins, ends, extends
}

/// One entry of one fact.
///
/// Flat: 56 bytes, no references. Entries stand in the order of their positions.
struct EntryRecord: BitwiseCopyable {
  let effective: Int64
  /// `never` where the value has no end of its own.
  let expires: Int64
  private let at: UInt32
  private var voidedAt: UInt32
  /// What the kind of fact says: node of the person, index of the role document, grant, attribute or policy.
  let value: Int32
  let source: Int32
  let fact: Int32
  var next = none
  /// Of a beginning: where its edges stand in the lists of its ends.
  var places = Places()
  let effect: EntryEffect
  /// Whether it says when it was due; when, `AccessGraph.dues` knows.
  let hasDue: Bool

  struct Places: BitwiseCopyable {
    var a = none
    var b = none
    var c = none
  }

  init(
    effective: Int64, position: Int64, expires: Int64, value: Int32, source: Int32, fact: Int32, effect: EntryEffect,
    hasDue: Bool
  ) {
    self.effective = effective
    self.expires = expires
    at = UInt32(position)
    voidedAt = .max
    self.value = value
    self.source = source
    self.fact = fact
    self.effect = effect
    self.hasDue = hasDue
  }

  var position: Int64 { Int64(at) }

  /// The position of the voiding; `never` while it stands.
  var voided: Int64 {
    get { voidedAt == .max ? never : Int64(voidedAt) }
    set { voidedAt = newValue == never ? .max : UInt32(newValue) }
  }

  func isVisible(at k: Int64) -> Bool { Int64(at) <= k && Int64(voidedAt) > k }
  func precedes(_ other: EntryRecord) -> Bool {
    effective != other.effective ? effective < other.effective : at < other.at
  }
}

/// An event that writes no fact: evidence, a voiding.
struct BareEvent: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable, CaseIterable { case expired, membershipExpired, voided, confirmed }
  let position: Int64
  let effective: Int64
  /// The position that it voids; 0 for none.
  let voids: Int64
  var voided: Int64 = never
  let kind: Kind

  init(position: Int64, effective: Int64, voids: Int64, kind: Kind) {
    self.position = position
    self.effective = effective
    self.voids = voids
    self.kind = kind
  }

  /// What is kept of an event that writes nothing.
  init(_ change: Change, position: Int64, effective: Int64) {
    var voids: Int64 = 0
    let kind: Kind
    switch change {
    case .eventVoided(let target):
      kind = .voided
      if target > 0, target < position { voids = target }
    case .fulfilmentConfirmed: kind = .confirmed
    case .membershipExpired: kind = .membershipExpired
    default: kind = .expired
    }
    self.init(position: position, effective: effective, voids: voids, kind: kind)
  }
}

/// A role's document with its inclusions as nodes and its patterns compiled.
final class CompiledRole {
  let document: RoleDocument
  let includes: [Int32]
  let permissions: [CompiledPermission]
  /// Whether the document is known: that of a placeholder is not.
  let isKnown: Bool
  /// Whether one of its permissions denies.
  let hasDenies: Bool

  init(document: RoleDocument, includes: [Int32]) {
    self.document = document
    self.includes = includes
    isKnown = document.permissions != nil
    permissions = (document.permissions ?? []).map(CompiledPermission.init)
    hasDenies = permissions.contains { $0.effect == .deny }
  }
}

extension CompiledRole {
  /// What its permissions of an effect come to for an action on a resource.
  func certainty(_ effect: PermissionEffect, action: Swift.Span<UInt8>, resource: Swift.Span<UInt8>) -> Certainty {
    var certainty: Certainty = []
    // Through a span, for a loop over the array would count references to each permission's patterns.
    let all = self.permissions
    let permissions = all.span
    var index = 0
    while index < permissions.count, certainty != .allowed {
      if permissions[index].effect == effect, permissions[index].applies(action: action, resource: resource) {
        certainty = permissions[index].condition == nil ? .allowed : .conditional
      }
      index += 1
    }
    return certainty
  }
}

/// A permission ready to be matched.
struct CompiledPermission {
  let actions: [Pattern]
  let resources: [Pattern]
  let effect: PermissionEffect
  let condition: Condition?

  var conditions: [Condition] { condition.map { [$0] } ?? [] }

  init(_ permission: Permission) {
    effect = permission.effect
    condition = permission.condition.map { Condition(observed: $0) }
    actions = permission.actions.map(Pattern.init)
    resources = permission.resources.map(Pattern.init)
  }

  func applies(action: Swift.Span<UInt8>, resource: Swift.Span<UInt8>) -> Bool {
    Pattern.any(actions, matches: action) && Pattern.any(resources, matches: resource)
  }
}

/// A grant with its principal, role and scope as numbers.
struct GrantRecord: BitwiseCopyable {
  let principal: Int32
  let role: Int32
  /// The text of the scope.
  let scope: Int32
  /// Among `AccessGraph.conditions`; `none` where there is none.
  let condition: Int32

  var isConditional: Bool { condition != none }
}

/// A finding, with its documents as canonical JSON: there may be as many as there are identities, and little is asked of them.
struct CompactFinding {
  let id: String
  let rule: String
  let subject: Entity
  let severity: Severity
  let owner: String?
  /// `[evidence, fix]`.
  let documents: String

  init(_ finding: Finding) {
    id = finding.id
    rule = finding.rule
    subject = finding.subject
    severity = finding.severity
    owner = finding.owner
    documents = JSONValue.array([finding.evidence, finding.fix]).canonicalText
  }

  var finding: Finding {
    guard let parts = try? JSONValue(parsing: documents).arrayValue, parts.count == 2 else {
      preconditionFailure("what was written as JSON is JSON")
    }
    var finding = Finding(
      rule: rule, subject: subject, evidence: parts[0], severity: severity, owner: owner, fix: parts[1])
    finding.id = id
    return finding
  }
}

/// The key of a coverage gap.
struct GapKey: Hashable {
  let resource: Int32
  let from: Int64
}

/// The lists of a resource path: assignments on it as a scope; coverage and gaps of it.
struct ResourceRecord: BitwiseCopyable {
  /// The text of the path.
  let text: Int32
  var assignments = none
  var coverage = none
}
