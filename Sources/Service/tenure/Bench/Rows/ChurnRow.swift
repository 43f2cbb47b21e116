import AccessGraph
import EventLog
import Governance
import Postgres
import Relations
import Temporal

extension BenchRow {
  /// How much more the second organisation has changed.
  private static let churnFactor = 10
  /// Moments and persons that each question is asked about.
  static let variations = 256
  /// Questions of each kind that are compared with the SQL functions.
  private static let compared = 8

  static let churn = BenchRow(
    name: "churn", summary: "every question at ten times the churn with the same live size, moments spread over history"
  ) { context in
    let identities = max(200, context.size.churnEvents / 20)
    let base = OrganisationPlan(seed: BenchSize.seed, identities: identities, events: .max, probes: [30, 300])
    let founding = Organisation.foundingEvents(base)
    let tenants = try [1, churnFactor].map { factor in
      var plan = base
      plan.events = founding + context.size.churnEvents * factor
      return try context.tenant("churn-\(factor)", plan)
    }
    let connection = try context.connectAsSuperuser()
    return try ChurnQuestion.all.map { question in
      context.say("churn: \(question.name)")
      let asked = tenants.map { ChurnAsked(tenant: $0, identities: identities) }
      for one in asked { try question.compare(one, compared, connection) }
      let medians = try Measuring.interleaved(
        asked.map { one in
          {
            try Measuring.secondsPerCall(atLeast: context.size.questionSeconds) { call in
              try one.tenant.read { question.ask($0, one, call % variations) }
            }
          }
        })
      return BenchFigure(
        "churn", question.name, ours: .seconds(medians[1]), peer: .seconds(medians[0]), "a tenth of the churn",
        ratio: medians[1] / medians[0], target: .atMost(1.2))
    }
  }
}

extension Organisation {
  /// Events that the founding of a plan takes.
  static func foundingEvents(_ plan: OrganisationPlan) -> Int {
    var organisation = Organisation(plan)
    var events = 0
    while !organisation.isFounded, organisation.next() != nil { events = organisation.position }
    // The batch that was told last may be the first change.
    return min(events, organisation.foundedEvents)
  }
}

/// An organisation and whom it is asked about.
private struct ChurnAsked {
  let tenant: Tenant
  let identities: Int
  let asKnownAt: Int64

  init(tenant: Tenant, identities: Int) {
    self.tenant = tenant
    self.identities = identities
    asKnownAt = tenant.head.position
  }

  /// A moment of the history after the founding.
  func view(_ variation: Int) -> Viewpoint {
    let start = OrganisationPlan.began.adding(microseconds: 2 * OrganisationPlan.foundingMicroseconds)
    let hash = StoryRandomness.mix(UInt64(variation) &+ 1)
    let length = UInt64(start.distance(to: BenchContext.lastMoment))
    return Viewpoint(at: start.adding(microseconds: Int64(hash % length)), asKnownAt: asKnownAt)
  }

  func person(_ variation: Int) -> String {
    let hash = StoryRandomness.mix(UInt64(variation) &+ 1_000_003)
    return OrganisationNames.person(Int(hash % UInt64(OrganisationPlan.steady(identities))))
  }

  func team(_ variation: Int) -> String {
    OrganisationNames.team(1 + Int(StoryRandomness.mix(UInt64(variation) &+ 7) % UInt64(identities / 4)))
  }

  func scope(_ variation: Int) -> String {
    let scopes = UInt64(Double(identities) * OrganisationPlan.scopesPerIdentity)
    return OrganisationNames.scope(Int(StoryRandomness.mix(UInt64(variation) &+ 77) % scopes))
  }
}

/// One kind of question.
private struct ChurnQuestion: Sendable {
  let name: String
  let ask: @Sendable (AccessGraph, ChurnAsked, Int) -> Void
  /// Compares some answers with the SQL functions, where there is one.
  var compare: @Sendable (ChurnAsked, Int, Connection) throws -> Void = { _, _, _ in }

  static let action = "repo.read"

  static let all: [ChurnQuestion] = [
    ChurnQuestion(name: "who, access") { graph, asked, variation in
      Measuring.consume(
        graph.who(.access(action: action, resource: asked.scope(variation)), from: asked.view(variation)))
    } compare: { asked, count, connection in
      var found = 0
      for variation in 0..<count * 8 {
        found += try compareWho(
          .access(action: action, resource: asked.scope(variation)), action, asked.scope(variation), asked,
          asked.view(variation), connection)
      }
      guard found > 0 else { throw AnswersDiffer("every who in \(asked.tenant.name) is empty") }
    },
    ChurnQuestion(name: "who, 300 in nested groups") { graph, asked, variation in
      let resource = OrganisationNames.probeScope(300)
      Measuring.consume(
        graph.who(.access(action: OrganisationNames.probeAction, resource: resource), from: asked.view(variation)))
    } compare: { asked, count, connection in
      for variation in 0..<count {
        let (action, resource) = (OrganisationNames.probeAction, OrganisationNames.probeScope(300))
        let found = try compareWho(
          .access(action: action, resource: resource), action, resource, asked, asked.view(variation), connection)
        guard found == 300 else { throw AnswersDiffer("the probe of 300 has \(found)") }
      }
    },
    ChurnQuestion(name: "who, group") { graph, asked, variation in
      Measuring.consume(graph.who(.group(asked.team(variation)), from: asked.view(variation)))
    },
    ChurnQuestion(name: "what") { graph, asked, variation in
      Measuring.consume(graph.what(asked.person(variation), from: asked.view(variation)))
    } compare: { asked, count, connection in
      var found = 0
      for variation in 0..<count {
        let view = asked.view(variation)
        let ours = try asked.tenant.read { $0.what(asked.person(variation), from: view) }.map(\.right)
        let theirs = try SQLQuestions.what(
          tenant: asked.tenant.name, identity: asked.person(variation), from: view, on: connection
        ).map(\.right)
        guard ours == theirs else { throw AnswersDiffer("what of \(asked.person(variation)) at \(view.at)") }
        found += ours.count
      }
      guard found > 0 else { throw AnswersDiffer("every what in \(asked.tenant.name) is empty") }
    },
    ChurnQuestion(name: "why") { graph, asked, variation in
      Measuring.consume(
        graph.why(
          asked.person(variation), action: action, resource: asked.scope(variation), from: asked.view(variation), limit: 100))
    },
    ChurnQuestion(name: "check") { graph, asked, variation in
      Measuring.consume(
        Adapters.check(
          graph, asked.person(variation), action: action, resource: asked.scope(variation), asked.view(variation)))
    },
    ChurnQuestion(name: "diff of one identity") { graph, asked, variation in
      Measuring.consume(
        graph.diff(
          resource: nil, identity: asked.person(variation), from: asked.view(variation), to: asked.view(variation + 1)))
    },
    ChurnQuestion(name: "snapshot, a page of 100") { graph, asked, variation in
      Measuring.consume(
        graph.snapshot(resource: nil, from: asked.view(variation), after: asked.person(variation), limit: 100))
    },
  ]

  private static func compareWho(
    _ subject: WhoSubject, _ action: String, _ resource: String, _ asked: ChurnAsked, _ view: Viewpoint,
    _ connection: Connection
  ) throws -> Int {
    let ours = try asked.tenant.read { $0.who(subject, from: view) }.map(\.identity)
    let theirs = try SQLQuestions.who(
      tenant: asked.tenant.name, action: action, resource: resource, from: view, on: connection
    ).map(\.identity)
    guard ours == theirs else { throw AnswersDiffer("who on \(resource) at \(view.at): \(ours.count) and \(theirs.count)") }
    return ours.count
  }
}
