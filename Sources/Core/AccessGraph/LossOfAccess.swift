public import Governance
public import JSON
public import Temporal

/// What identities would lose by a change that has not been made.
public struct LossOfAccess: Hashable, Sendable {
  /// How many entitlements, of those that were looked at.
  public var count = 0
  /// The first of them, by identity and right.
  public var first: [Entitlement] = []
  /// How many identities were looked at, and how many there are in all.
  public var identities = (looked: 0, all: 0)

  /// Equal where they say the same.
  public static func == (a: LossOfAccess, b: LossOfAccess) -> Bool {
    a.count == b.count && a.first == b.first && a.identities == b.identities
  }

  /// Feeds it to the hasher.
  public func hash(into hasher: inout Hasher) { hasher.combine(count) }

  /// As it stands in the evidence of a finding.
  public var json: JSONValue {
    var object: JSONObject = [
      "entitlements": .integer(Int64(count)), "identities": .integer(Int64(identities.all)),
      "lost": .array(first.map(\.lossJSON)),
    ]
    if identities.looked < identities.all { object["identities_looked_at"] = .integer(Int64(identities.looked)) }
    return .object(object)
  }
}

extension Entitlement {
  fileprivate var lossJSON: JSONValue {
    var object: JSONObject = [
      "identity": .string(identity), "resource": .string(right.resource), "scope": .string(right.scope),
    ]
    if let action = right.action { object["action"] = .string(action) }
    if !right.conditions.isEmpty { object["conditions"] = .array(right.conditions) }
    return .object(object)
  }
}

extension AccessGraph {
  /// Identities that are looked at for one change: what a few lose says what it is about.
  static let identitiesOfLoss = 50
  /// Entitlements that are shown of it.
  static let shownLosses = 20

  /// What some identities would lose if a role were defined otherwise now.
  ///
  /// The graph is changed and changed back: it must be the caller's own, and nobody else's. O(rights of the identities).
  ///
  /// - Precondition: nothing is applied above the published position.
  public func loss(of identities: [String], byDefining role: String, as document: RoleDocument, at t: Instant) -> LossOfAccess {
    precondition(appliedPosition == position, "what is tried is tried on what is published")
    let next = position + 1
    let event = Event(
      position: next, eventID: "", effectiveAt: t, recordedAt: t, source: "", basis: .declared, authority: Authority(),
      recordedBy: Recorder(id: "", authentication: ""), change: .roleDefined(id: role, document: document, attributes: [:]))
    apply(event)
    defer { undo() }
    var loss = LossOfAccess()
    loss.identities = (min(identities.count, Self.identitiesOfLoss), identities.count)
    let (before, after) = (Viewpoint(at: t, asKnownAt: position), Viewpoint(at: t, asKnownAt: next))
    for identity in identities.prefix(Self.identitiesOfLoss) {
      let lost = diff(resource: nil, identity: identity, from: before, to: after).lost
      loss.count += lost.count
      loss.first += lost.prefix(Self.shownLosses - loss.first.count)
    }
    return loss
  }
}
