public import AccessGraph
import Cryptography
public import EventLog
public import Governance
public import JSON
import Temporal
import Usage

/// One step that contains an incident: a command, why, and what it breaks.
public struct ContainmentStep: Hashable, Sendable {
  /// The command.
  public var command: Command
  /// What it does, in words.
  public var text: String
  /// Why.
  public var because: String
  /// What stops working with it, as far as usage and ownership tell.
  public var breaks: [String]
}

/// The review that a containment opens of what is left to whoever was in it.
public struct ContainmentReview: Hashable, Sendable {
  /// By which rules items get their reviewers.
  ///
  /// The default is the owner, then the manager.
  public var reviewers: [ReviewerRule]
  /// Who reviews what nobody may by those rules.
  public var escalation: [Entity]
  /// Who may sign it off.
  public var signsOff: [Entity]

  /// Days in which it is decided: whoever was in an incident is not left with doubtful access for two weeks.
  static let days: Int64 = 7

  /// A review; what is left out has its default.
  public init(reviewers: [ReviewerRule] = [.owner, .manager], escalation: [Entity] = [], signsOff: [Entity] = []) {
    self.reviewers = reviewers
    self.escalation = escalation
    self.signsOff = signsOff
  }
}

/// A plan that contains an incident: nothing is done until it is applied.
public struct Containment: Sendable {
  /// The moment and the position that it was planned at.
  public var view: Viewpoint
  /// Its steps: identities first, so that nobody makes new ways while the rest is taken away.
  public var steps: [ContainmentStep]
  /// Parties that it leaves alone, and why.
  public var left: [(identity: String, because: String)]
  /// Changes of the parties that it leaves as they are, for somebody to decide.
  public var undecided: [UndecidedChange] = []
  /// What it was made from: whoever revises the same role meanwhile is not written over.
  public var premises: [Premise] = []
  /// The reviews that it opens, each of as many as one may name; empty where nothing is left to be reviewed.
  public var reviews: [String]

  /// The plan as one atomic batch.
  public func submission(recordedBy: String, source: String) -> Submission {
    Submission(
      mode: .governed, source: source, basis: .declared, recordedBy: Recorder(id: recordedBy, authentication: "local"),
      commands: steps.map(\.command), premises: premises)
  }
}

extension Questions {
  /// Days before the incident that tell what a credential or an identity is used for otherwise.
  private static let usualDays: Int64 = 30

  /// Plans how to contain an incident, as the world stands now: suspend, revoke credentials, end what the parties gave and were
  /// given, put back what they changed, and open a review of what they and whom they gave something hold besides.
  ///
  /// - Parameters:
  ///   - authority: by whose authority the commands will be given.
  ///   - review: who reviews what is left.
  public func containment(
    of question: IncidentQuestion, authority: Authority, review: ContainmentReview = ContainmentReview()
  ) throws -> Containment {
    let (view, _) = try ask(nil, .head) { graph, view in (view, graph.position) }
    let evidence = try IncidentEvidence(question, self, view)
    var plan = Containment(view: view, steps: [], left: [], reviews: [])
    try suspend(evidence, authority, &plan)
    try revokeCredentials(evidence, authority, &plan)
    try endGrants(evidence, authority, &plan)
    try putBack(evidence, authority, &plan)
    // Contained already, it has its review already.
    if !plan.steps.isEmpty { try openReviews(review, evidence, authority, &plan) }
    return plan
  }

  /// Opens reviews of all that the parties, and whom they gave something, still hold when the rest of the plan is done.
  ///
  /// What one review cannot take is reviewed by several: an incident is no reason to leave somebody out.
  private func openReviews(
    _ review: ContainmentReview, _ evidence: IncidentEvidence, _ authority: Authority, _ plan: inout Containment
  ) throws {
    let given = try evidence.touched().map(\.principal).filter { $0.kind == .identity }
    let about = evidence.parties.map { Entity.identity($0.identity) } + given
    let names = try tenant.read { graph in
      let world = graph.world(asKnownAt: plan.view.asKnownAt)
      var seen: Set<Entity> = []
      return about.filter { seen.insert($0).inserted && world.exists($0, at: plan.view.at) }.map(\.id)
    }
    for start in stride(from: 0, to: names.count, by: Limits.principalsPerPolicy) {
      let some = names[start..<min(start + Limits.principalsPerPolicy, names.count)]
      try openReview(of: some, review, authority, &plan)
    }
  }

  /// Opens one review of some, or where they hold more than one may be about, one of each half of them.
  private func openReview(
    of names: ArraySlice<String>, _ review: ContainmentReview, _ authority: Authority, _ plan: inout Containment
  ) throws {
    let ended = Set(plan.steps.flatMap { $0.command.change.endedFacts })
    let query = ReviewQuery(identities: Array(names))
    let left: Int
    do {
      left = try tenant.read { graph in
        try graph.world(asKnownAt: plan.view.asKnownAt).population(query, at: plan.view.at).items
          .count { !ended.contains($0.item.fact) }
      }
    } catch let refusal as Refusal where refusal.code == .limitExceeded {
      guard names.count > 1 else {
        plan.left.append((names[names.startIndex], "is not reviewed: \(refusal.message)"))
        return
      }
      let middle = names.startIndex + names.count / 2
      try openReview(of: names[..<middle], review, authority, &plan)
      return try openReview(of: names[middle...], review, authority, &plan)
    }
    if left == 0 { return }
    let terms = ReviewTerms(
      query: query, reviewers: review.reviewers, escalation: review.escalation,
      decideWithinDays: ContainmentReview.days, remindDays: [3, 1], signsOff: review.signsOff)
    // Another incident, or the same contained again after something new, is another review.
    let digits = SHA256.digest(Array("\(plan.view.asKnownAt) \(names.joined(separator: "\n"))".utf8)).hexadecimal.prefix(16)
    let id = "incident-\(digits)"
    plan.reviews.append(id)
    plan.steps.append(
      ContainmentStep(
        command: Command(
          .review(id: id, .opened, by: nil, nil, Review(step: .opened, terms: terms)), authority: authority),
        text: "open review \(id)",
        because:
          "\(left) \(left == 1 ? "grant is" : "grants are") left to \(names.count) who were in it, or were given something",
        breaks: []))
  }

  private func suspend(_ evidence: IncidentEvidence, _ authority: Authority, _ plan: inout Containment) throws {
    for party in evidence.parties {
      let identity = Entity.identity(party.identity)
      let (exists, isSuspended, owned) = try tenant.read { graph in
        let world = graph.world(asKnownAt: plan.view.asKnownAt)
        return (
          world.exists(identity, at: plan.view.at),
          world.value(of: .suspension(identity: party.identity), at: plan.view.at) != nil,
          party.kind == .external ? [] : try ownedBy(party.identity, graph, world, plan.view.at)
        )
      }
      let because: String? =
        !exists ? "does not exist now" : isSuspended ? "is suspended already" : party.kind == .external ? "is outside" : nil
      if let because {
        plan.left.append((party.identity, because))
        continue
      }
      var breaks = owned.map { "owns \($0)" }
      if let usual = try usualUse(UsageFilter(identity: party.identity), evidence) { breaks.append(usual) }
      plan.steps.append(
        ContainmentStep(
          command: Command(.identitySuspended(id: party.identity), authority: authority), text: "suspend \(party.identity)",
          because: party.part.text, breaks: breaks))
    }
  }

  private func revokeCredentials(_ evidence: IncidentEvidence, _ authority: Authority, _ plan: inout Containment) throws {
    let alive = try tenant.read { graph in
      let world = graph.world(asKnownAt: plan.view.asKnownAt)
      var found: [CredentialStanding] = []
      var open = evidence.parties.flatMap {
        world.aliveCredentials(of: .identity($0.identity), at: plan.view.at)
          + world.aliveCredentials(of: .holder($0.identity), at: plan.view.at)
      }
      var seen: Set<Entity> = []
      // What was obtained with it goes with it.
      while let standing = open.popLast() {
        guard seen.insert(.credential(standing.id)).inserted else { continue }
        found.append(standing)
        open += world.aliveCredentials(of: .parent(standing.id), at: plan.view.at)
      }
      return found.sorted { ($0.issuedAt, $0.id) < ($1.issuedAt, $1.id) }
    }
    for standing in alive {
      let usual = try usualUse(UsageFilter(credential: standing.id), evidence)
      plan.steps.append(
        ContainmentStep(
          command: Command(.credentialRevoked(id: standing.id), authority: authority),
          text: "revoke \(standing.document.kind.rawValue) \(standing.id)", because: "acts as \(standing.document.identity)",
          breaks: usual.map { [$0] } ?? []))
    }
  }

  /// Ends what parties gave, to whomever, and what they were given by a party or within the stretch.
  private func endGrants(_ evidence: IncidentEvidence, _ authority: Authority, _ plan: inout Containment) throws {
    let given = try tenant.read { graph in
      let world = graph.world(asKnownAt: plan.view.asKnownAt)
      // What was given twice is ended once.
      var seen: Set<Fact> = []
      return evidence.events.compactMap { event -> (fact: Fact, by: String)? in
        let fact: Fact
        switch event.change {
        case .assignmentGranted(let id, _): fact = .assignment(id: id)
        case .membershipAdded(let group, let member, _): fact = .membership(group: group, member: member)
        default: return nil
        }
        // What has not begun would begin after all.
        let holds = world.holds(fact).contains { span in
          span.begun.position == event.position && (span.to.map { plan.view.at < $0 } ?? true)
        }
        guard holds, seen.insert(fact).inserted else { return nil }
        return (fact, event.authority.actor?.id ?? "")
      }
    }
    let got = try evidence.grants().filter { grant in
      (grant.to.map { $0 > plan.view.at } ?? true) && evidence.question.during.contains(grant.from) && !grant.isByParty
    }
    let ended = Set(given.map(\.fact))
    for (fact, by) in given {
      plan.steps.append(ContainmentStep(fact, because: "given by \(by)", authority))
    }
    for grant in got where !ended.contains(grant.fact) {
      plan.steps.append(
        ContainmentStep(grant.fact, because: "\(grant.identity) got it during the incident", authority))
    }
  }

  /// What a filter's uses before the incident were, in a line; nil where there were none.
  private func usualUse(_ filter: UsageFilter, _ evidence: IncidentEvidence) throws -> String? {
    var filter = filter
    filter.to = evidence.question.during.from
    filter.from = filter.to?.adding(microseconds: -Self.usualDays * 86_400_000_000)
    let uses = try UsageStore(tenant).rows(filter, limit: UsageStore.maximumPage)
    guard let last = uses.first else { return nil }
    let actions = Set(uses.map(\.record.action)).sorted()
    let more = uses.count == UsageStore.maximumPage ? "at least " : ""
    return "was used \(more)\(uses.count) times in the \(Self.usualDays) days before, last at \(last.record.at): "
      + actions.prefix(5).joined(separator: " ") + (actions.count > 5 ? " and \(actions.count - 5) more" : "")
  }

  private func ownedBy(_ owner: String, _ graph: AccessGraph, _ world: GraphWorld, _ t: Instant) throws -> [String] {
    var owned: [String] = []
    for kind in [EntityKind.identity, .group, .role] {
      for id in graph.ids(of: kind) where owned.count < IncidentQuestion.mostNames {
        let entity = Entity(kind, id)
        guard case .attribute(.open(let value))? = world.value(of: .attribute(entity, name: "owner"), at: t)?.value,
          value.stringValue?.isExactly(owner) == true
        else { continue }
        owned.append(entity.description)
      }
    }
    return owned
  }
}

extension Change {
  /// The grants that a step of a plan ends.
  var endedFacts: [Fact] {
    switch self {
    case .assignmentRevoked(let id): [.assignment(id: id)]
    case .membershipRemoved(let group, let member): [.membership(group: group, member: member)]
    default: []
    }
  }
}

extension ContainmentStep {
  fileprivate init(_ fact: Fact, because: String, _ authority: Authority) {
    let change: Change
    switch fact {
    case .assignment(let id): change = .assignmentRevoked(id: id)
    case .membership(let group, let member): change = .membershipRemoved(group: group, member: member)
    default: preconditionFailure("only grants are ended")
    }
    self.init(command: Command(change, authority: authority), text: change.phrase, because: because, breaks: [])
  }
}

extension Containment: Report {
  /// Writes the plan.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("question", "contain")
    writer.member("at", view.at)
    writer.member("as_known_at", view.asKnownAt)
    writer.key("steps")
    writer.beginArray()
    for step in steps {
      writer.beginObject()
      writer.member("command", step.command.change.type)
      writer.member("entity", step.command.change.entity.description)
      writer.member("text", step.text)
      writer.member("because", step.because)
      writer.member("breaks", step.breaks.map { .string($0) })
      writer.endObject()
    }
    writer.endArray()
    writer.member("reviews", reviews.map { .string($0) })
    writer.key("left")
    writer.beginArray()
    for (identity, because) in left {
      writer.beginObject()
      writer.member("identity", identity)
      writer.member("because", because)
      writer.endObject()
    }
    writer.endArray()
    writer.key("undecided")
    writer.beginArray()
    for change in undecided {
      writer.beginObject()
      writer.member("entity", change.entity.description)
      writer.member("because", change.because)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
