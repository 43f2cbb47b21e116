import EventLog
import Governance
import JSON
import Temporal

/// An entity as it stands at (t, k).
struct EntityDescription: Sendable {
  let entity: Entity
  /// `active`, `suspended`, or what its end is called; an assignment is `active`, `pending` or `ended`.
  let state: String
  /// The event that its document comes from.
  let event: Int64
  /// Since when it exists without a break, or for an assignment since when it holds.
  let since: Instant?
  let document: FactValue?
  let expiresAt: Instant?
  private let attributes: [(name: String, value: AttributeValue, position: Int64)]

  /// What is known of it at t; nil where nothing was heard of it up to then.
  init?(_ entity: Entity, in world: some World, at t: Instant) {
    self.entity = entity
    if entity.kind == .assignment {
      guard let grant = GrantState(entity.id, in: world, at: t) else { return nil }
      (state, event, since, document, expiresAt) = (grant.state, grant.event, grant.since, grant.value, grant.expiresAt)
      attributes = []
      return
    }
    let entries = world.entries(of: .existence(entity)).filter { $0.moment.effective <= t }
    guard let last = entries.last(where: { $0.begun != nil }) else { return nil }
    let stretch = Existence.stretches(of: entries).last
    let exists = stretch.map { $0.until == nil } ?? false
    let isSuspended = entity.kind == .identity && world.value(of: .suspension(identity: entity.id), at: t) != nil
    state = exists ? (isSuspended ? "suspended" : "active") : entity.kind.ended
    event = last.moment.position
    since = exists ? stretch?.since.effective : nil
    document = last.begun
    expiresAt = nil
    attributes = world.attributes(of: entity).compactMap { fact in
      guard case .attribute(_, let name) = fact, let span = world.value(of: fact, at: t),
        case .attribute(let value) = span.value
      else { return nil }
      return (name, value, span.entry.position)
    }.sorted { $0.name.precedes($1.name) }
  }

  /// Whether it exists, or holds, at t.
  var isLive: Bool { state == "active" || state == "suspended" }

  /// Where its personal values lie.
  var personalKeys: [PersonalKey] {
    attributes.compactMap { name, value, position in
      if case .sealed = value { PersonalKey(position: position, name: name) } else { nil }
    }
  }

  /// Writes the members; personal values that are no longer there are named as erased.
  func writeMembers(to writer: inout JSONWriter, personal: [PersonalKey: JSONValue]) {
    writer.member(entity.kind == .resource ? "path" : "id", entity.id)
    writer.member("state", state)
    writer.member("since", since)
    writer.member("event", event)
    document?.writeMembers(to: &writer)
    if entity.kind == .assignment { return writer.member("expires_at", expiresAt) }
    var open = JSONObject()
    var erased: [JSONValue] = []
    for (name, value, position) in attributes {
      switch value {
      case .open(let value): open[name] = value
      case .sealed:
        if let value = personal[PersonalKey(position: position, name: name)] {
          open[name] = value
        } else {
          erased.append(.string(name))
        }
      }
    }
    writer.key("attributes")
    writer.value(.object(open))
    writer.member("erased", erased)
  }
}

/// Where an assignment stands at t.
private struct GrantState {
  let state: String
  let event: Int64
  let since: Instant?
  let value: FactValue
  let expiresAt: Instant?

  init?(_ id: String, in world: some World, at t: Instant) {
    let fact = Fact.assignment(id: id)
    guard let begun = world.entries(of: fact).first(where: { $0.begun != nil }), let document = begun.begun else { return nil }
    value = document
    event = begun.moment.position
    if let span = world.value(of: fact, at: t) {
      (state, since, expiresAt) = ("active", span.begun.effective, span.expiresAt)
    } else {
      state = begun.moment.effective > t ? "pending" : "ended"
      since = nil
      if case .grant(let grant) = document { expiresAt = grant.expiresAt } else { expiresAt = nil }
    }
  }
}

extension Entry {
  /// The value that the entry begins, if it begins one.
  var begun: FactValue? {
    if case .begins(let value, _) = effect { value } else { nil }
  }
}

extension EntityKind {
  /// What its end is called.
  fileprivate var ended: String {
    switch self {
    case .group: "deleted"
    case .resource: "removed"
    case .credential: "revoked"
    case .finding: "resolved"
    case .identity, .role, .policy, .source, .assignment, .event, .request, .review: "retired"
    }
  }
}

extension FactValue {
  /// Writes the document's own members.
  fileprivate func writeMembers(to writer: inout JSONWriter) {
    switch self {
    case .identity(let kind): writer.member("kind", kind.rawValue)
    case .role(let document):
      writer.key("permissions")
      writer.value(document.permissions.map { .array($0.map(\.json)) } ?? .null)
      writer.member("includes", document.includes.map { .string($0) })
    case .policy(let policy):
      writer.member("policy_type", policy.type.rawValue)
      writer.key("rule")
      writer.value(policy.rule)
    case .grant(let grant):
      writer.member("principal", grant.principal.description)
      writer.member("role", grant.role)
      writer.member("scope", grant.scope)
      writer.key("condition")
      writer.value(grant.condition ?? .null)
    case .group, .resource, .source, .attribute, .suspended, .person, .member, .covered, .request, .credential, .finding,
      .accepted, .review, .reviewItem:
      return
    }
  }
}
