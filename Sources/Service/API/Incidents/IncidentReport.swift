public import AccessGraph
public import EventLog
public import Governance
public import JSON
import Temporal
import Usage

/// The answer to `incident`: who had a part in it, what they could do, did and changed, and who else was touched.
public struct IncidentReport: Sendable {
  /// What was asked.
  public var question: IncidentQuestion
  /// The moment and the position, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64
  /// The coverage it rests on.
  public var coverage: Coverage
  /// Whether nothing was left out for a limit.
  public var isWhole: Bool
  /// Who had a part.
  public var parties: [IncidentParty]
  /// The credentials that act as a party or that a party obtained, alive at some time in the stretch.
  public var credentials: [CredentialStanding]
  /// What the parties were granted.
  public var grants: [IncidentGrant]
  /// Each gain, loss and change of the parties in the stretch.
  public var turns: [(identity: String, turn: Turn)]
  /// What the parties used.
  public var uses: [IncidentUse]
  /// What happened, in the order of time.
  public var story: [IncidentLine]
  /// Who else was touched by what the parties changed: whom they granted something, or shared something with.
  public var touched: [IncidentTouch]
  /// Whom the parties could become, and to whom they gave something: what those could do with it, and did.
  public var reached: [IncidentReached]
  /// What would not have been without some events; nil where that was not asked.
  public var counterfactual: Counterfactual?
}

/// Somebody who is no party, and was touched.
public struct IncidentTouch: Hashable, Sendable {
  /// Who, or which group.
  public var principal: Entity
  /// What it is; nil for a group, or where it was never registered.
  public var kind: IdentityKind?
  /// By which events.
  public var positions: [Int64]
  /// What the events did, in words.
  public var texts: [String]
}

extension Questions {
  /// Replays an incident.
  ///
  /// Some round trips for each party and thousand uses; `without` reads the whole log once.
  public func incident(_ question: IncidentQuestion, asKnownAt: AsKnownAt = .head) throws -> IncidentReport {
    let (view, position, coverage) = try ask(question.during.to, asKnownAt) { graph, view in
      (view, graph.position, survey(graph, view.asKnownAt).coverage(of: nil, during: question.during))
    }
    if let beyond = question.without.first(where: { $0 > view.asKnownAt }) {
      throw JSONFieldError(
        pointer: "/without", problem: "names event \(beyond), and \(view.asKnownAt) is the last that is known")
    }
    let evidence = try IncidentEvidence(question, self, view)
    let reach = try evidence.reach()
    return IncidentReport(
      question: question, view: view, position: position, coverage: coverage, isWhole: evidence.isWhole && reach.isWhole,
      parties: try evidence.partiesWithOrigin(), credentials: try evidence.credentials(), grants: try evidence.grants(),
      turns: try evidence.turns(), uses: try evidence.usesTogether(), story: evidence.story(), touched: try evidence.touched(),
      reached: reach.reached, counterfactual: question.without.isEmpty ? nil : try evidence.counterfactual())
  }
}

extension IncidentEvidence {
  /// The parties with the events that registered them.
  func partiesWithOrigin() throws -> [IncidentParty] {
    let end = question.during.to ?? view.at
    let positions = try questions.tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return parties.map { party in
        let entries = world.entries(of: .existence(.identity(party.identity))).filter { $0.moment.effective < end }
        return Existence.stretches(of: entries).last?.since.position
      }
    }
    let notes = try questions.notes(positions.compactMap { $0 })
    return zip(parties, positions).map { party, position in
      var party = party
      party.registered = position.flatMap { notes[$0] }
      return party
    }
  }

  /// The credentials of the parties that were alive at some time in the stretch, as they stand at its end.
  func credentials() throws -> [CredentialStanding] {
    let end = question.during.to ?? view.at
    return try questions.tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let ids = parties.flatMap { world.credentials(of: .identity($0.identity)) + world.credentials(of: .holder($0.identity)) }
      var seen: Set<Entity> = []
      return ids.filter { seen.insert(.credential($0)).inserted }.compactMap { id in
        guard let standing = world.credential(id, at: end), standing.endedAt.map({ question.during.from < $0 }) ?? true else {
          return nil
        }
        return standing
      }.sorted { ($0.issuedAt, $0.id) < ($1.issuedAt, $1.id) }
    }
  }

  /// Each gain, loss and change of the parties in the stretch, in the order of time.
  func turns() throws -> [(identity: String, turn: Turn)] {
    try questions.tenant.read { graph in
      parties.flatMap { party in
        graph.timeline(party.identity, resource: nil, during: question.during, asKnownAt: view.asKnownAt).map {
          (party.identity, $0)
        }
      }.sorted { $0.1.at < $1.1.at }
    }
  }

  /// Whom the parties' changes reached besides themselves.
  func touched() throws -> [IncidentTouch] {
    let own = Set(parties.map { Entity.identity($0.identity) })
    var byPrincipal: [Entity: IncidentTouch] = [:]
    for event in events where !event.change.isMadeUp {
      for principal in event.change.reached where !own.contains(principal) {
        var touch = byPrincipal[principal] ?? IncidentTouch(principal: principal, kind: nil, positions: [], texts: [])
        touch.positions.append(event.position)
        touch.texts.append("\(event.effectiveAt) \(event.change.phrase)")
        byPrincipal[principal] = touch
      }
    }
    return try questions.tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return byPrincipal.values.map { touch in
        var touch = touch
        if touch.principal.kind == .identity,
          case .identity(let kind)? = world.entries(of: .existence(touch.principal)).last(where: { $0.begun != nil })?.begun
        {
          touch.kind = kind
        }
        return touch
      }.sorted { ($0.positions[0], $0.principal) < ($1.positions[0], $1.principal) }
    }
  }
}

extension Change {
  /// The identities and groups whose access a change gives, takes or makes usable.
  fileprivate var reached: [Entity] {
    switch self {
    case .identityRegistered(let id, _, _), .identitySuspended(let id), .identityResumed(let id), .identityRetired(let id):
      [.identity(id)]
    case .identityLinked(let account, let person): [.identity(account), .identity(person)]
    case .membershipAdded(let group, let member, _), .membershipRemoved(let group, let member): [.group(group), member]
    case .assignmentGranted(_, let grant): [grant.principal]
    case .credentialIssued(_, let document, _): [.identity(document.identity)]
    default: []
    }
  }
}

extension IncidentReport: Report {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("question", "incident")
    for (name, values) in [
      ("identities", question.identities), ("credentials", question.credentials), ("sessions", question.sessions),
      ("addresses", question.addresses),
    ] {
      writer.member("about_" + name, values.map { .string($0) })
    }
    writer.write(question.during, view.asKnownAt, position, coverage)
    writer.member("whole", isWhole)
    writer.list("parties", parties) { writer, party in
      writer.member("identity", party.identity)
      writer.member("kind", party.kind?.rawValue)
      writer.member("because", party.part.text)
      writer.member("depth", Int64(party.depth))
      writer.key("registered")
      if let registered = party.registered { registered.write(to: &writer) } else { writer.null() }
    }
    writer.list("credentials", credentials) { $1.write(to: &$0) }
    writer.list("grants", grants) { $1.write(to: &$0) }
    writer.list("turns", turns) { writer, item in
      writer.member("identity", item.identity)
      writer.member("at", item.turn.at)
      writer.member("change", item.turn.kind.rawValue)
      writer.member("before", item.turn.before?.rawValue)
      writer.member("now", item.turn.now?.rawValue)
      item.turn.right.write(to: &writer)
      writer.member("causes", item.turn.causes.map { .integer($0.position) })
    }
    writer.list("uses", uses) { $1.write(to: &$0) }
    writer.list("story", story) { $1.write(to: &$0) }
    writer.list("touched", touched) { writer, touch in
      writer.member("principal", touch.principal.description)
      writer.member("kind", touch.kind?.rawValue)
      writer.member("events", touch.positions.map { .integer($0) })
      writer.member("changes", touch.texts.map { .string($0) })
    }
    writer.list("reached", reached) { $1.write(to: &$0) }
    writer.key("without")
    if let counterfactual { counterfactual.write(to: &writer) } else { writer.null() }
    writer.endObject()
  }
}

extension CredentialStanding {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("kind", document.kind.rawValue)
    writer.member("identity", document.identity)
    writer.member("holder", document.holder)
    writer.member("grant", document.grant)
    writer.member("parent", document.parent)
    writer.member("state", state.rawValue)
    writer.member("issued_at", issuedAt)
    writer.member("ended_at", endedAt)
    writer.member("expires_at", document.expiresAt)
    writer.member("event", written.position)
  }
}

extension IncidentGrant {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    writer.member("grant", grant)
    writer.member("gives", gives)
    writer.member("scope", scope)
    writer.member("from", from)
    writer.member("to", to)
    writer.member("by_party", isByParty)
    writer.key("event")
    if let begun { begun.write(to: &writer) } else { writer.null() }
  }
}

extension IncidentUse {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    writer.member("action", action)
    writer.member("resource", resource)
    writer.member("first", first)
    writer.member("last", last)
    writer.member("allowed", Int64(allowed))
    writer.member("denied", Int64(denied))
    writer.member("failed", Int64(failed))
    writer.member("addresses", addresses.map { .string($0) })
    writer.member("credentials", credentials.map { .string($0) })
    writer.member("decision", decision?.rawValue)
    writer.member("covered_by", coveredBy)
  }
}

extension IncidentReached {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    writer.member("kind", kind?.rawValue)
    writer.member("depth", Int64(depth))
    writer.member("because", route.text)
    writer.member("when", when)
    writer.member("surely", sure)
    switch route {
    case .trust(let steps):
      writer.member("by", "trust")
      writer.member("assignments", steps.map { .string($0.assignment) })
      writer.key("event")
      writer.null()
    case .gift(_, let position, _), .member(_, _, let position, _):
      writer.member("by", "gift")
      writer.member("assignments", [JSONValue]())
      writer.member("event", position)
    }
    writer.member("rights_count", Int64(rightCount))
    writer.list("rights", rights) { $1.write(to: &$0) }
    writer.member("uses", Int64(uses))
    writer.member("refused", Int64(refused))
    writer.member("did", did.map { ["act": .string($0.name), "count": .integer(Int64($0.count))] })
    writer.member("changes", Int64(changes))
  }
}

extension IncidentLine {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("at", at)
    writer.member("until", until)
    writer.member("identity", identity)
    writer.member("text", text)
    writer.member("acts", acts.map { ["act": .string($0.name), "count": .integer(Int64($0.count))] })
    writer.member("count", Int64(count))
    writer.member("refused", Int64(refused))
    writer.member("failed", Int64(failed))
    writer.member("address", address)
    writer.member("events", positions.map { .integer($0) })
  }
}

extension Counterfactual {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("events", without.map { .integer($0) })
    writer.list("rights", rights) { writer, lost in
      writer.member("identity", lost.identity)
      lost.right.write(to: &writer)
      writer.member("during", lost.during)
    }
    writer.list("uses", uses) { writer, use in
      writer.member("id", use.id)
      writer.member("at", use.at)
      writer.member("identity", use.identity)
      writer.member("action", use.action)
      writer.member("resource", use.resource)
    }
    writer.member("uncovered_uses", Int64(uncoveredUses))
    writer.member("undecided_uses", Int64(undecidedUses))
    writer.endObject()
  }
}
