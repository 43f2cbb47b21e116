public import JSON
public import Temporal

/// Whether a command may be refused by a rule.
public enum CommandMode: String, Hashable, Sendable {
  /// From a caller who asks for a change: refused where a rule forbids it.
  case governed
  /// From a connector or import: reality is recorded, and what it breaches becomes a finding.
  case observation
}

/// What a command expects of the entity that it names.
public enum Expectation: Hashable, Sendable {
  case absent, present, either
}

/// One imperative: the change that it proposes, when, and by whose authority.
public struct Command: Hashable, Sendable {
  /// The change that it proposes.
  public var change: Change
  /// Whether the named entity must be new, or must exist.
  public var expectation: Expectation
  /// When it takes effect; nil means when it is recorded.
  public var effectiveAt: Instant?
  /// Of a loss: when it should have taken effect.
  public var dueAt: Instant?
  /// By whose authority.
  public var authority: Authority
  /// Said by whoever changes directly what an elevation policy has approved; it is found.
  public var isUnapproved = false
  /// Who wrote the events that an approval rests on, looked up for it; no part of what the caller says.
  public var witness: [Int64: Witness] = [:]

  /// A command; the expectation defaults to what its usual verb asks (a new entity for register, create, define).
  public init(
    _ change: Change, expecting expectation: Expectation? = nil, effectiveAt: Instant? = nil, dueAt: Instant? = nil,
    authority: Authority = Authority()
  ) {
    self.change = change
    self.expectation = expectation ?? Verb.usual(for: change.type).expectation
    self.effectiveAt = effectiveAt
    self.dueAt = dueAt
    self.authority = authority
  }
}

/// The name of a command: an imperative, and the type of the event that it proposes.
public struct Verb: Hashable, Sendable {
  /// The command's `type`, for instance `membership.add`.
  public let name: String
  /// The type of the event that it proposes.
  public let eventType: String
  /// What it expects of the entity that it names.
  public let expectation: Expectation

  init(_ name: String, _ eventType: String, _ expectation: Expectation = .either) {
    self.name = name
    self.eventType = eventType
    self.expectation = expectation
  }

  /// Every command there is.
  public static let all: [Verb] = [
    Verb("identity.register", "identity.registered", .absent), Verb("identity.revise", "identity.registered", .present),
    Verb("identity.suspend", "identity.suspended"), Verb("identity.resume", "identity.resumed"),
    Verb("identity.retire", "identity.retired"), Verb("identity.link", "identity.linked"),
    Verb("identity.unlink", "identity.unlinked"),
    Verb("group.create", "group.created", .absent), Verb("group.revise", "group.created", .present),
    Verb("group.delete", "group.deleted"),
    Verb("membership.add", "membership.added"), Verb("membership.remove", "membership.removed"),
    Verb("membership.record_expiry", "membership.expired"),
    Verb("role.define", "role.defined", .absent), Verb("role.revise", "role.defined", .present),
    Verb("role.retire", "role.retired"),
    Verb("assignment.grant", "assignment.granted"), Verb("assignment.extend", "assignment.extended"),
    Verb("assignment.revoke", "assignment.revoked"), Verb("assignment.record_expiry", "assignment.expired"),
    Verb("policy.define", "policy.defined", .absent), Verb("policy.revise", "policy.defined", .present),
    Verb("policy.retire", "policy.retired"),
    Verb("resource.describe", "resource.described"), Verb("resource.remove", "resource.removed"),
    Verb("source.register", "source.registered", .absent), Verb("source.revise", "source.registered", .present),
    Verb("source.retire", "source.retired"),
    Verb("coverage.begin", "coverage.began"), Verb("coverage.end", "coverage.ended"),
    Verb("coverage.report_gap", "coverage.gap"),
    Verb("event.void", "event.voided"),
    Verb("finding.raise", "finding.raised"), Verb("finding.resolve", "finding.resolved"),
    Verb("finding.accept", "finding.accepted"),
    Verb("request.submit", "request.submitted", .absent), Verb("request.revise", "request.revised"),
    Verb("request.approve", "request.approved"), Verb("request.deny", "request.denied"),
    Verb("request.withdraw", "request.withdrawn"), Verb("request.claim", "request.claimed"),
    Verb("request.record_lapse", "request.lapsed"), Verb("request.end", "request.ended"),
    Verb("credential.issue", "credential.issued"), Verb("credential.revoke", "credential.revoked"),
    Verb("fulfilment.confirm", "fulfilment.confirmed"),
    Verb("review.open", "review.opened", .absent), Verb("review.assign", "review.assigned"),
    Verb("review.decide", "review.decided"), Verb("review.remind", "review.reminded"),
    Verb("review.sign_off", "review.signed_off"), Verb("review.close", "review.closed"),
    Verb("review.execute", "review.executed"), Verb("review.complete", "review.completed"),
  ]

  /// The types of all events: those of commands, and of what is only decided.
  public static let eventTypes = Set(all.map(\.eventType)).union(RequestStep.allCases.map(\.eventType)).sorted()

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The verb of that name.
  public static func named(_ name: String) -> Verb? { byName[name] }

  /// The verb that proposes events of a type, of several the first.
  ///
  /// - Precondition: there is one; `request.failed` is only ever decided.
  public static func usual(for eventType: String) -> Verb {
    guard let verb = all.first(where: { $0.eventType == eventType }) else {
      preconditionFailure("event type without a verb: \(eventType)")
    }
    return verb
  }
}

extension Command {
  /// The verb that says the command.
  public var verb: Verb {
    Verb.all.first { $0.eventType == change.type && $0.expectation == expectation } ?? Verb.usual(for: change.type)
  }

  /// Reads `{"type": "membership.add", …}`: the members of the change beside those that all commands share.
  ///
  /// Shared members: `effective_at`, `due_at`, `actor`, `authorised_by`, `reason`, `ticket`. Unknown members are refused.
  /// - Throws: `JSONFieldError` with a pointer.
  public init(_ value: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(value, at: pointer)
    let name = try reader.string("type", maximumBytes: Limits.identifierBytes)
    guard let verb = Verb.named(name) else { throw reader.error("type", "is not a command; they are listed in /openapi.json") }
    try self.init(verb, reading: &reader)
    try reader.finish()
  }

  /// Reads the members of a command whose verb is known from elsewhere, for instance from a path.
  public init(_ verb: Verb, reading reader: inout FieldReader) throws(JSONFieldError) {
    effectiveAt = try reader.optionalInstant("effective_at")
    dueAt = try reader.optionalInstant("due_at")
    authority = try Authority(reading: &reader)
    isUnapproved = try reader.optionalBool("unapproved") ?? false
    change = try Change(type: verb.eventType, reading: &reader)
    expectation = verb.expectation
  }

  /// The command in its JSON form, from which it can be read again.
  public var json: JSONValue {
    var object = change.data.objectValue ?? JSONObject()
    object["type"] = .string(verb.name)
    object.put("effective_at", effectiveAt)
    object.put("due_at", dueAt)
    authority.write(to: &object)
    if isUnapproved { object["unapproved"] = true }
    return .object(object)
  }
}

extension Authority {
  /// Reads `actor`, `authorised_by`, `reason` and `ticket`; each may be absent.
  public init(reading reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    if var part = try reader.optionalObject("actor") {
      actor = Actor(id: try part.id("id"), onBehalfOf: try part.optionalID("on_behalf_of"))
      try part.finish()
    }
    if var part = try reader.optionalObject("authorised_by") {
      authorisedBy = Approval(
        approver: try part.id("approver"), at: try part.optionalInstant("at"), reference: try part.optionalID("reference"),
        verified: try part.optionalBool("verified") ?? false)
      try part.finish()
    }
    reason = try reader.optionalString("reason", maximumBytes: Limits.reasonBytes)
    if var part = try reader.optionalObject("ticket") {
      ticket = Ticket(system: try part.id("system"), key: try part.id("key"), url: try part.optionalID("url"))
      try part.finish()
    }
  }

  /// Adds what is recorded as `actor`, `authorised_by`, `reason` and `ticket`.
  public func write(to object: inout JSONObject) {
    if let actor {
      var part: JSONObject = ["id": .string(actor.id)]
      if let other = actor.onBehalfOf { part["on_behalf_of"] = .string(other) }
      object["actor"] = .object(part)
    }
    if let authorisedBy {
      var part: JSONObject = ["approver": .string(authorisedBy.approver), "verified": .bool(authorisedBy.verified)]
      part.put("at", authorisedBy.at)
      if let reference = authorisedBy.reference { part["reference"] = .string(reference) }
      object["authorised_by"] = .object(part)
    }
    if let reason { object["reason"] = .string(reason) }
    if let ticket {
      var part: JSONObject = ["system": .string(ticket.system), "key": .string(ticket.key)]
      if let url = ticket.url { part["url"] = .string(url) }
      object["ticket"] = .object(part)
    }
  }
}
