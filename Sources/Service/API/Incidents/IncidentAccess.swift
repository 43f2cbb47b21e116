public import AccessGraph
import EventLog
public import Governance
public import Temporal
import Usage

/// A grant that a party held at some time in the stretch.
public struct IncidentGrant: Hashable, Sendable {
  /// Who held it.
  public var identity: String
  /// The assignment's id, or the member and the group.
  public var grant: String
  /// The role, or the group.
  public var gives: String
  /// Where; nil for a membership.
  public var scope: String?
  /// From when.
  public var from: Instant
  /// Until when; nil where it goes on.
  public var to: Instant?
  /// The event that gave it.
  public var begun: EventNote?
  /// Whether a party gave it.
  public var isByParty: Bool
  /// The grant itself.
  public var fact: Fact
}

/// What was used, all uses of one action on one resource by one identity together.
public struct IncidentUse: Hashable, Sendable {
  /// Who.
  public var identity: String
  /// What was done.
  public var action: String
  /// With what.
  public var resource: String?
  /// The first use.
  public var first: Instant
  /// The last use.
  public var last: Instant
  /// How often it was permitted, refused, and went wrong otherwise.
  public var allowed = 0, denied = 0, failed = 0
  /// From where.
  public var addresses: [String]
  /// In which sessions, or with which keys.
  public var credentials: [String]
  /// What the graph says of it at the first use.
  public var decision: Status?
  /// The assignment that covered it then.
  public var coveredBy: String?
}

extension IncidentEvidence {
  /// The grants of the parties, each from when to when and by whom.
  func grants() throws -> [IncidentGrant] {
    let found = try questions.tenant.read { graph -> [(identity: String, fact: Fact, span: Span)] in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return parties.flatMap { party in
        let identity = Entity.identity(party.identity)
        return world.grants(of: identity).flatMap { fact -> [(String, Fact, Span)] in
          world.holds(fact).compactMap { span in
            guard span.isWithin(question.during) else { return nil }
            switch (fact, span.value) {
            case (.assignment, .grant(let grant)) where grant.principal == identity: return (party.identity, fact, span)
            case (.membership(_, let member), _) where member == identity: return (party.identity, fact, span)
            default: return nil
            }
          }
        }
      }
    }
    let notes = try questions.notes(found.map(\.span.begun.position))
    let actors = Set(parties.map { Entity.identity($0.identity) })
    return found.map { identity, fact, span in
      let note = notes[span.begun.position]
      let isByParty = note?.actor.map { actors.contains(.identity($0.id)) } ?? false
      var grant = IncidentGrant(
        identity: identity, grant: "", gives: "", scope: nil, from: span.from, to: span.to, begun: note, isByParty: isByParty,
        fact: fact)
      switch (fact, span.value) {
      case (.assignment(let id), .grant(let value)):
        (grant.grant, grant.gives, grant.scope) = (id, value.role, value.scope)
      case (.membership(let group, let member), _): (grant.grant, grant.gives) = ("\(member) in group:\(group)", group)
      default: preconditionFailure("only assignments and memberships were taken")
      }
      return grant
    }.sorted { ($0.from, $0.identity, $0.grant) < ($1.from, $1.identity, $1.grant) }
  }

  /// What was used, and what covered it.
  func usesTogether() throws -> [IncidentUse] {
    var byKey: [[String?]: IncidentUse] = [:]
    for use in uses.map(\.record) {
      let key = [use.identity, use.action, use.resource]
      var together =
        byKey[key]
        ?? IncidentUse(
          identity: use.identity, action: use.action, resource: use.resource, first: use.at, last: use.at, addresses: [],
          credentials: [])
      together.last = use.at
      switch use.outcome {
      case .allowed: together.allowed += 1
      case .denied: together.denied += 1
      case .failed: together.failed += 1
      }
      if let address = use.address, !together.addresses.contains(address) { together.addresses.append(address) }
      if let credential = use.session ?? use.credential, !together.credentials.contains(credential) {
        together.credentials.append(credential)
      }
      byKey[key] = together
    }
    let sorted = byKey.values.sorted { ($0.first, $0.identity, $0.action) < ($1.first, $1.identity, $1.action) }
    return try questions.tenant.read { graph in
      sorted.map { use in
        guard let resource = use.resource else { return use }
        var use = use
        let answer = graph.check(
          use.identity, action: use.action, resource: resource, from: Viewpoint(at: use.first, asKnownAt: view.asKnownAt))
        use.decision = answer.status
        if case .grant(let id)? = answer.decidedBy { use.coveredBy = id }
        return use
      }
    }
  }
}

extension Span {
  /// Whether some of it lies in a stretch.
  fileprivate func isWithin(_ stretch: Interval) -> Bool {
    Interval(exactly: from, to: to).map { $0.overlaps(stretch) } ?? false
  }
}
