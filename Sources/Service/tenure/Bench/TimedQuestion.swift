import AccessGraph
import EventLog
import Governance
import Postgres
import Relations
import Temporal

/// An organisation and whom it is asked about.
struct AskedOrganisation {
  let tenant: Tenant
  let identities: Int
  /// The size of the probe that is asked for.
  let probe: Int
  let asKnownAt: Int64

  init(tenant: Tenant, identities: Int, probe: Int) {
    self.tenant = tenant
    self.identities = identities
    self.probe = probe
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
struct TimedQuestion: Sendable {
  let name: String
  /// Whether it is about a moment, not about all changes, whose number its answer has.
  var isOfAMoment = true
  /// Asks it, and answers how large the answer is.
  let ask: @Sendable (AccessGraph, AskedOrganisation, Int) -> Int
  /// Compares some answers with the SQL functions, where there is one.
  var compare: @Sendable (AskedOrganisation, Int, Connection) throws -> Void = { _, _, _ in }

  static let action = "repo.read"

  static let all: [TimedQuestion] = [
    TimedQuestion(name: "who, access") { graph, asked, variation in
      graph.who(.access(action: action, resource: asked.scope(variation)), from: asked.view(variation)).count
    } compare: { asked, count, connection in
      var found = 0
      for variation in 0..<count * 8 {
        found += try compareWho(
          .access(action: action, resource: asked.scope(variation)), action, asked.scope(variation), asked,
          asked.view(variation), connection)
      }
      guard found > 0 else { throw AnswersDiffer("every who in \(asked.tenant.name) is empty") }
    },
    TimedQuestion(name: "who, nested groups") { graph, asked, variation in
      let resource = OrganisationNames.probeScope(asked.probe)
      return graph.who(.access(action: OrganisationNames.probeAction, resource: resource), from: asked.view(variation)).count
    } compare: { asked, count, connection in
      for variation in 0..<count {
        let (action, resource) = (OrganisationNames.probeAction, OrganisationNames.probeScope(asked.probe))
        let found = try compareWho(
          .access(action: action, resource: resource), action, resource, asked, asked.view(variation), connection)
        guard found == asked.probe else { throw AnswersDiffer("the probe of \(asked.probe) has \(found)") }
      }
    },
    TimedQuestion(name: "who, group") { graph, asked, variation in
      graph.who(.group(asked.team(variation)), from: asked.view(variation)).count
    },
    TimedQuestion(name: "who, role") { graph, asked, variation in
      graph.who(.role(OrganisationNames.role(variation % OrganisationNames.roles)), from: asked.view(variation)).count
    },
    TimedQuestion(name: "what") { graph, asked, variation in
      graph.what(asked.person(variation), from: asked.view(variation)).count
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
    TimedQuestion(name: "why") { graph, asked, variation in
      graph.why(
        asked.person(variation), action: action, resource: asked.scope(variation), from: asked.view(variation), limit: 100
      ).paths.count
    },
    TimedQuestion(name: "check") { graph, asked, variation in
      let status = Adapters.check(
        graph, asked.person(variation), action: action, resource: asked.scope(variation), asked.view(variation))
      return status == .denied ? 0 : 1
    },
    // Between two moments of a history with ten times the churn lies ten times the difference: the answer grows.
    TimedQuestion(name: "diff of one identity", isOfAMoment: false) { graph, asked, variation in
      let difference = graph.diff(
        resource: nil, identity: asked.person(variation), from: asked.view(variation), to: asked.view(variation + 1))
      return difference.gained.count + difference.lost.count + difference.changed.count
    },
    TimedQuestion(name: "timeline of one identity", isOfAMoment: false) { graph, asked, variation in
      graph.timeline(
        asked.person(variation), resource: nil, during: Interval(from: .earliest), asKnownAt: asked.asKnownAt
      ).count
    },
    TimedQuestion(name: "snapshot, a page of 100") { graph, asked, variation in
      graph.snapshot(resource: nil, from: asked.view(variation), after: asked.person(variation), limit: 100).count
    },
  ]

  private static func compareWho(
    _ subject: WhoSubject, _ action: String, _ resource: String, _ asked: AskedOrganisation, _ view: Viewpoint,
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

extension TimedQuestion {
  /// How large the answers are that are timed, on the average; an empty one takes the time of one.
  ///
  /// Two organisations of the same size are not the same one: whom a group or a role reaches differs by chance, more than
  /// the target leaves room for.
  func meanSize(_ graph: AccessGraph, _ asked: AskedOrganisation) -> Double {
    let sizes = (0..<BenchRow.variations).map { max(1, ask(graph, asked, $0)) }
    return Double(sizes.reduce(0, +)) / Double(sizes.count)
  }
}
