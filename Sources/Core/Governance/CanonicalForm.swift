import JSON
public import Temporal

/// Writes events and commands straight into canonical JSON (RFC 8785), without building a tree of values first.
///
/// The members of an object are written in their canonical order, which the caller keeps. Along the way it is noted whether
/// everything written is certain to be read again, so that most events need not be read back to know it.
public struct CanonicalForm: Sendable {
  private var writer: JSONWriter

  /// Whether the readers of events surely accept what was written, and read the very same; false where that is not known.
  public private(set) var isCertain = true

  /// A form with nothing in it.
  ///
  /// - Parameter capacity: the bytes to reserve; most events fit into the default, so that they are written without moving.
  public init(reserving capacity: Int = 640) { writer = JSONWriter(reserving: capacity) }

  /// What has been written.
  public var bytes: [UInt8] { writer.bytes }

  /// Begins an object or, with a name, a member that is one.
  public mutating func beginObject(_ name: String? = nil) {
    if let name { writer.key(name) }
    writer.beginObject()
  }

  /// Ends the object begun last.
  public mutating func endObject() { writer.endObject() }

  /// Begins a member that is an array; its elements are objects.
  public mutating func beginArray(_ name: String) {
    writer.key(name)
    writer.beginArray()
  }

  /// Ends the array begun last.
  public mutating func endArray() { writer.endArray() }

  /// Writes an id, where there is one.
  public mutating func id(_ name: String, _ id: String?) {
    guard let id else { return }
    if Limits.problem(identifier: id) != nil { isCertain = false }
    word(name, id)
  }

  /// Writes a resource path.
  public mutating func path(_ name: String, _ path: String) {
    if Limits.problem(path: path) != nil { isCertain = false }
    word(name, path)
  }

  /// Writes free text, where there is any.
  public mutating func text(_ name: String, _ text: String?, maximumBytes: Int) {
    guard let text else { return }
    if text.utf8.count > maximumBytes || text.utf8.contains(0) { isCertain = false }
    word(name, text)
  }

  /// Writes a word that needs no check: of an enumeration, or checked before.
  public mutating func word(_ name: String, _ word: String) {
    writer.key(name)
    writer.string(word)
  }

  /// Writes an entity in the form `kind:id`.
  public mutating func entity(_ name: String, _ entity: Entity) { word(name, entity.description) }

  /// Writes an identity or a group.
  mutating func principal(_ name: String, _ entity: Entity) {
    guard entity.kind == .identity || entity.kind == .group else { isCertain = false; return self.entity(name, entity) }
    if Limits.problem(identifier: entity.id) != nil { isCertain = false }
    self.entity(name, entity)
  }

  /// Writes an instant, where there is one.
  public mutating func instant(_ name: String, _ instant: Instant?) {
    guard let instant else { return }
    writer.key(name)
    writer.plainString { instant.append(to: &$0) }
  }

  /// Writes an integer.
  public mutating func integer(_ name: String, _ integer: Int64) {
    if integer.magnitude > JSONValue.largestExactInteger.magnitude { isCertain = false }
    writer.key(name)
    writer.integer(integer)
  }

  mutating func bool(_ name: String, _ bool: Bool) {
    writer.key(name)
    writer.bool(bool)
  }

  mutating func null(_ name: String) {
    writer.key(name)
    writer.null()
  }

  /// Writes any value; what is in it is not looked at, so that nothing is certain then.
  mutating func document(_ name: String, _ value: JSONValue) {
    isCertain = false
    writer.key(name)
    writer.value(value)
  }

  mutating func attributes(_ attributes: [String: AttributeValue]) {
    if attributes.isEmpty { return }
    if attributes.count > Limits.attributesPerEntity { isCertain = false }
    beginObject("attributes")
    for (name, value) in attributes.sorted(by: { $0.key.precedesInUTF16($1.key) }) {
      if Limits.problem(attribute: name) != nil { isCertain = false }
      writer.key(name)
      attribute(value)
    }
    endObject()
  }

  private mutating func attribute(_ value: AttributeValue) {
    switch value {
    case .sealed(let digest):
      if !Limits.isDigest(digest) { isCertain = false }
      beginObject()
      word("sha256", digest)
      endObject()
    case .open(let value):
      switch value {
      case .null, .bool: break
      case .integer(let integer) where integer.magnitude <= JSONValue.largestExactInteger.magnitude: break
      // Escapes may make a text up to six times as long.
      case .string(let text) where text.utf8.count * 6 < Limits.attributeValueBytes && !text.utf8.contains(0): break
      default: isCertain = false
      }
      writer.value(value)
    }
  }
}

extension Change {
  /// Writes the event's `data` as a member: the canonical form of ``data``.
  public func write(to form: inout CanonicalForm) {
    switch self {
    case .roleDefined, .policyDefined, .findingRaised, .request, .review, .reviewItem: return form.document("data", data)
    default: break
    }
    form.beginObject("data")
    writeMembers(to: &form)
    form.endObject()
  }

  private func writeMembers(to form: inout CanonicalForm) {
    switch self {
    case .identityRegistered(let id, let kind, let attributes):
      form.attributes(attributes)
      form.id("id", id)
      form.word("kind", kind.rawValue)
    case .identityLinked(let account, let person):
      form.id("account", account)
      form.id("person", person)
    case .identityUnlinked(let account): form.id("account", account)
    case .groupCreated(let id, let attributes), .sourceRegistered(let id, let attributes):
      form.attributes(attributes)
      form.id("id", id)
    case .membershipAdded(let group, let member, let expiresAt):
      form.instant("expires_at", expiresAt)
      form.id("group", group)
      form.principal("member", member)
    case .membershipRemoved(let group, let member), .membershipExpired(let group, let member):
      form.id("group", group)
      form.principal("member", member)
    case .assignmentGranted(let id, let grant):
      if let condition = grant.condition { form.document("condition", condition) }
      form.instant("expires_at", grant.expiresAt)
      form.id("id", id)
      form.principal("principal", grant.principal)
      form.id("role", grant.role)
      form.path("scope", grant.scope)
    case .assignmentExtended(let id, let expiresAt):
      if let expiresAt { form.instant("expires_at", expiresAt) } else { form.null("expires_at") }
      form.id("id", id)
    case .resourceDescribed(let path, let attributes):
      form.attributes(attributes)
      form.path("path", path)
    case .resourceRemoved(let path): form.path("path", path)
    case .coverageBegan(let source, let resource, let expiresAt):
      form.instant("expires_at", expiresAt)
      form.path("resource", resource)
      form.id("source", source)
    case .coverageEnded(let source, let resource):
      form.path("resource", resource)
      form.id("source", source)
    case .coverageGap(let source, let resource, let until):
      form.path("resource", resource)
      form.id("source", source)
      form.instant("until", until)
    case .eventVoided(let position): form.integer("position", position)
    case .fulfilmentConfirmed(let item, let confirmation):
      form.id("by", confirmation.by)
      form.instant("ended_at", confirmation.endedAt)
      form.text("evidence", confirmation.evidence, maximumBytes: Limits.evidenceBytes)
      switch item {
      case .assignment(let id): form.id("id", id)
      case .membership(let group, let member):
        form.id("group", group)
        form.principal("member", member)
      }
      form.word("stage", confirmation.claim.rawValue)
    case .credentialIssued(let id, let document, let attributes):
      form.attributes(attributes)
      form.instant("expires_at", document.expiresAt)
      form.id("grant", document.grant)
      form.id("holder", document.holder)
      form.id("id", id)
      form.id("identity", document.identity)
      form.word("kind", document.kind.rawValue)
      form.id("parent", document.parent)
    case .identitySuspended(let id), .identityResumed(let id), .identityRetired(let id), .groupDeleted(let id),
      .roleRetired(let id), .assignmentRevoked(let id), .assignmentExpired(let id), .policyRetired(let id),
      .sourceRetired(let id), .credentialRevoked(let id), .findingResolved(let id):
      form.id("id", id)
    case .findingAccepted(let id, let until):
      form.id("id", id)
      form.instant("until", until)
    case .roleDefined, .policyDefined, .findingRaised, .request, .review, .reviewItem:
      preconditionFailure("written as a document")
    }
  }
}

extension Authority {
  /// Writes `actor` and `authorised_by`, which come before everything else in an event and in a command.
  public func writeBeginning(to form: inout CanonicalForm) {
    if let actor {
      form.beginObject("actor")
      form.id("id", actor.id)
      form.id("on_behalf_of", actor.onBehalfOf)
      form.endObject()
    }
    if let authorisedBy {
      form.beginObject("authorised_by")
      form.id("approver", authorisedBy.approver)
      form.instant("at", authorisedBy.at)
      form.id("reference", authorisedBy.reference)
      form.bool("verified", authorisedBy.verified)
      form.endObject()
    }
  }

  /// Writes `reason`.
  public func writeReason(to form: inout CanonicalForm) {
    form.text("reason", reason, maximumBytes: Limits.reasonBytes)
  }

  /// Writes `ticket`.
  public func writeTicket(to form: inout CanonicalForm) {
    guard let ticket else { return }
    form.beginObject("ticket")
    form.id("key", ticket.key)
    form.id("system", ticket.system)
    form.id("url", ticket.url)
    form.endObject()
  }
}

extension Command {
  /// Writes the command as an element of an array, with nothing left out that tells it from another.
  public func write(to form: inout CanonicalForm) {
    form.beginObject()
    authority.writeBeginning(to: &form)
    change.write(to: &form)
    form.instant("due_at", dueAt)
    form.instant("effective_at", effectiveAt)
    form.word("expectation", expectation.name)
    authority.writeReason(to: &form)
    authority.writeTicket(to: &form)
    form.word("type", change.type)
    if isUnapproved { form.bool("unapproved", true) }
    form.endObject()
  }
}

extension Expectation {
  fileprivate var name: String {
    switch self {
    case .absent: "absent"
    case .present: "present"
    case .either: "either"
    }
  }
}
