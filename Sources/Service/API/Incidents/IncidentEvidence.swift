import AccessGraph
import EventLog
import Governance
import Temporal
import Usage

/// Everything that was recorded of the parties in the stretch, and how the parties were found.
struct IncidentEvidence {
  let questions: Questions
  let question: IncidentQuestion
  let view: Viewpoint
  /// The parties, those who were named first.
  private(set) var parties: [IncidentParty] = []
  /// Their uses, the oldest first.
  private(set) var uses: [StoredUsage] = []
  /// The events of which a party is the actor, by position.
  private(set) var events: [Event] = []
  /// Whether nothing was left out for a limit.
  private(set) var isWhole = true

  private var seen: Set<Entity> = []
  private var seenUses: Set<UsagePlace> = []

  /// Gathers it: some round trips for each party.
  init(_ question: IncidentQuestion, _ questions: Questions, _ view: Viewpoint) throws {
    self.questions = questions
    self.question = question
    self.view = view
    try findNamed()
    try follow()
    uses.sort { ($0.record.at, $0.record.id) < ($1.record.at, $1.record.id) }
    events.sort { $0.moment < $1.moment }
  }

  private func read<Answer>(_ body: (AccessGraph, GraphWorld) throws -> Answer) throws -> Answer {
    try questions.tenant.read { graph in try body(graph, graph.world(asKnownAt: view.asKnownAt)) }
  }

  private mutating func add(_ identity: String, _ part: IncidentParty.Part, depth: Int) throws {
    guard seen.insert(.identity(identity)).inserted else { return }
    guard parties.count < IncidentQuestion.mostParties else {
      isWhole = false
      return
    }
    parties.append(IncidentParty(identity: identity, kind: try kind(of: identity), part: part, depth: depth))
  }

  /// What an identity was registered as last; nil where it never was.
  func kind(of identity: String) throws -> IdentityKind? {
    try read { _, world in
      guard
        case .identity(let kind)? = world.entries(of: .existence(.identity(identity))).last(where: { $0.begun != nil })?.begun
      else { return nil }
      return kind
    }
  }

  private mutating func findNamed() throws {
    for identity in question.identities { try add(identity, .named, depth: 0) }
    for id in question.credentials {
      let standing = try read { _, world in world.credential(id, at: view.at) }
      if let document = standing?.document {
        try add(document.identity, .credential(id), depth: 0)
        if let holder = document.holder { try add(holder, .credential(id), depth: 0) }
      }
      try addUsers(UsageFilter(credential: id), "credential \(id)")
    }
    for id in question.sessions { try addUsers(UsageFilter(session: id), "session \(id)") }
    for address in question.addresses { try addUsers(UsageFilter(address: address), "address \(address)") }
  }

  private mutating func addUsers(_ filter: UsageFilter, _ what: String) throws {
    let found = try collect(filter)
    for use in found { try add(use.record.identity, .used(what), depth: 0) }
    take(found)
  }

  private mutating func take(_ found: [StoredUsage]) {
    for use in found where seenUses.insert(use.place).inserted { uses.append(use) }
  }

  /// The uses that match within the stretch, as far as the limit goes.
  private mutating func collect(_ filter: UsageFilter) throws -> [StoredUsage] {
    var filter = filter
    filter.from = question.during.from
    filter.to = question.during.to
    let store = UsageStore(questions.tenant)
    var found: [StoredUsage] = []
    var place: UsagePlace?
    while true {
      let page = try store.rows(filter, before: place, limit: UsageStore.maximumPage)
      found += page
      place = page.last?.place
      if page.count < UsageStore.maximumPage { return found }
      if uses.count + found.count >= IncidentQuestion.mostUses {
        isWhole = false
        return found
      }
    }
  }

  /// From each party to whom it made, or made itself into.
  private mutating func follow() throws {
    var index = 0
    while index < parties.count {
      let party = parties[index]
      index += 1
      for other in try linked(to: party.identity) { try add(other, .linked(to: party.identity), depth: party.depth) }
      let own = try evidence(of: party)
      events += own
      for event in own {
        switch event.change {
        // Whom a source only names, outside it, was not made by whoever shared something with them.
        case .identityRegistered(let id, let kind, _) where kind != .external && kind != .placeholder:
          guard try isNew(id, event) else { continue }
          try add(id, .registered(by: party.identity, position: event.position), depth: party.depth + 1)
        case .credentialIssued(let id, let document, _):
          try add(document.identity, .obtained(by: party.identity, credential: id), depth: party.depth + 1)
        default: continue
        }
      }
      for standing in try sessions(of: party.identity) {
        try add(
          standing.document.identity, .obtained(by: party.identity, credential: standing.id), depth: party.depth + 1)
      }
    }
  }

  /// The accounts of a person, and the person of an account, while they were linked at some time in the stretch.
  private func linked(to identity: String) throws -> [String] {
    try read { _, world in
      ([.link(account: identity)] + world.links(to: .identity(identity))).flatMap { fact -> [String] in
        guard case .link(let account) = fact else { return [] }
        return world.holds(fact).compactMap { span in
          guard case .person(let person) = span.value, span.interval.overlaps(question.during) else { return nil }
          if person.isExactly(identity) { return account }
          return account.isExactly(identity) ? person : nil
        }
      }
    }
  }

  /// Takes a party's uses; the answer is what it changed.
  ///
  /// Whom a session acts as may be somebody whom others act as too: of them only what was done in that session counts.
  private mutating func evidence(of party: IncidentParty) throws -> [Event] {
    guard case .obtained(_, let credential) = party.part,
      try read({ _, world in world.credential(credential, at: view.at)?.document.kind }) == .session
    else {
      take(try collect(UsageFilter(identity: party.identity)))
      return try changes(by: party.identity)
    }
    let used =
      try collect(UsageFilter(identity: party.identity, session: credential))
      + collect(UsageFilter(identity: party.identity, credential: credential))
    take(used)
    let ids = Set(used.map(\.record.id))
    return try changes(by: party.identity).filter { event in event.authority.ticket.map { ids.contains($0.key) } ?? false }
  }

  private func isNew(_ identity: String, _ event: Event) throws -> Bool {
    try read { _, world in world.existence(of: .identity(identity), at: event.moment)?.since == event.moment }
  }

  /// The credentials that an identity obtained and that were alive at some time in the stretch.
  private func sessions(of identity: String) throws -> [CredentialStanding] {
    try read { _, world in
      world.credentials(of: .holder(identity)).compactMap { id in
        guard let standing = world.credential(id, at: question.during.to ?? view.at),
          standing.issuedAt < (question.during.to ?? .latest),
          standing.endedAt.map({ question.during.from < $0 }) ?? true
        else { return nil }
        return standing
      }
    }
  }

  /// What took effect in the stretch, and what was written here in it to take effect at another time.
  private mutating func changes(by actor: String) throws -> [Event] {
    var filter = LogFilter()
    filter.actor = actor
    filter.through = view.asKnownAt
    var (effective, recorded) = (filter, filter)
    (effective.effectiveFrom, effective.effectiveTo) = (question.during.from, question.during.to)
    (recorded.recordedFrom, recorded.recordedTo) = (question.during.from, question.during.to)
    let inIt = try pages(of: effective)
    let dated = try pages(of: recorded).filter { event in
      if question.during.contains(event.effectiveAt) { return false }
      // What is read from elsewhere was done when it took effect, whenever it is learnt.
      return event.recordedAt < event.effectiveAt || event.source.isExactly(Intake.source)
    }
    let found = inIt + dated
    return try read { _, world in found.filter { world.event(at: $0.position)?.isVoided == false } }
  }

  private mutating func pages(of filter: LogFilter) throws -> [Event] {
    var found: [Event] = []
    var place: Int64? = 0
    while let after = place {
      let page = try questions.tenant.log(filter, after: after, limit: Tenant.maximumLogPage)
      found += page.events.map(\.event)
      place = page.next
      if events.count + found.count >= IncidentQuestion.mostEvents, place != nil {
        isWhole = false
        break
      }
    }
    return found
  }
}
