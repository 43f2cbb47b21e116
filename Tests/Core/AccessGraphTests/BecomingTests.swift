import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Who becomes whom: worked out by hand, and on random histories against the naive computation.
@Suite struct BecomingTests {
  // MARK: Random histories

  /// A random history in which about half the grants are on identities, and many roles let become them.
  static func events(seed: UInt64) -> [Event] {
    var random = SeededGenerator(seed: seed &+ 0x7A57)
    return RandomHistory.events(seed: seed).map { event in
      var event = event
      switch event.change {
      case .assignmentGranted(let id, var grant) where random.chance(4, in: 5):
        grant.scope = random.chance(1, in: 12) ? "identity" : "identity/" + random.pick(Universe.identities)
        event.change = .assignmentGranted(id: id, grant: grant)
      case .roleDefined(let id, var document, let attributes):
        document.permissions = document.permissions.map { permissions in
          permissions.map { permission in
            var permission = permission
            if random.chance(3, in: 4) {
              permission.actions.append(random.pick(["identity:*", "identity:assume", "*:mint_token"]))
            }
            if random.chance(1, in: 3) { permission.resources = [random.pick(["*", "identity/*", "identity/a*"])] }
            return permission
          }
        }
        event.change = .roleDefined(id: id, document: document, attributes: attributes)
      case .policyDefined(let id, var policy, let attributes) where policy.type == .deny && random.chance(2, in: 3):
        guard var rule = policy.rule.objectValue else { break }
        rule["actions"] = ["identity:*"]
        rule["resources"] = nil
        policy.rule = .object(rule)
        event.change = .policyDefined(id: id, policy: policy, attributes: attributes)
      default: break
      }
      return event
    }
  }

  @Test func `on random histories the same become the same, as certainly as by the naive computation`() {
    var met = 0
    for seed in RandomHistoryTests.seeds {
      let events = Self.events(seed: seed)
      let graph = RandomHistoryTests.graph(of: events, seed)
      let naive = NaiveLog(events)
      var random = SeededGenerator(seed: seed &+ 17)
      for _ in 0..<4 {
        let view = Viewpoint(
          at: RandomHistory.instant(&random), asKnownAt: Int64(events.count - random.below(1 + events.count / 3)))
        let forward = Universe.identities.flatMap { graph.becoming(from: $0, from: view).ways }
        let backward = Universe.identities.flatMap { graph.becoming(into: $0, from: view).ways }
        for (name, ways, isOwn) in [("forward", forward, false), ("backward", backward, true)] {
          let expected = naive.view(view).becoming(isOwn: isOwn)
          met += expected.count
          let found = ways.map { NaiveView.Trusted($0.identity, $0.target, $0.status) }.sorted()
          guard found == expected else {
            Issue.record("seed \(seed) at \(view), \(name): \(found) instead of \(expected)")
            return
          }
          if let broken = ways.first(where: { !Self.isChain($0) }) {
            Issue.record("seed \(seed) at \(view), \(name): no chain: \(broken)")
            return
          }
        }
        if let problem = whoProblem(graph, naive.view(view), view, &random) {
          Issue.record("seed \(seed) at \(view): \(problem)")
          return
        }
      }
    }
    #expect(met > RandomHistoryTests.seeds.count, "the histories hold too few trusts to show anything")
  }

  @Test func `over a stretch they are, at every instant, those of the naive computation at that instant`() {
    var met = 0
    for seed in RandomHistoryTests.seeds {
      let events = Self.events(seed: seed)
      let graph = RandomHistoryTests.graph(of: events, seed)
      let naive = NaiveLog(events)
      var random = SeededGenerator(seed: seed &+ 23)
      let k = Int64(events.count - random.below(1 + events.count / 3))
      let (a, b) = (RandomHistory.instant(&random), RandomHistory.instant(&random))
      let stretch = Interval(exactly: min(a, b), to: random.chance(1, in: 4) ? nil : max(a, b)) ?? .always
      let from = Universe.identities.flatMap { graph.becoming(from: $0, during: stretch, asKnownAt: k).ways }
      let subject = WhoSubject.role(random.pick(Universe.roles))
      let holders = graph.who(subject, during: stretch, asKnownAt: k)
      let who = graph.becoming(during: stretch, asKnownAt: k, beside: holders).ways
      for (piece, view) in naive.pieces(of: stretch, asKnownAt: k) {
        let expected = view.becoming(isOwn: false, hasClock: false)
        met += expected.count
        let found = Self.trusted(from, at: piece.from) { $0.target }
        guard found == expected else {
          Issue.record("seed \(seed) during \(stretch) at \(piece.from), k \(k): \(found) instead of \(expected)")
          return
        }
        let (beside, wanted) = (Self.trusted(who, at: piece.from) { _ in "" }, view.becoming(subject, hasClock: false))
        guard beside == wanted else {
          Issue.record("seed \(seed) \(subject) during \(stretch) at \(piece.from), k \(k): \(beside) instead of \(wanted)")
          return
        }
      }
    }
    #expect(met > RandomHistoryTests.seeds.count, "the histories hold too few trusts to show anything")
  }

  /// The best of the ways that there are at an instant, once for each two.
  private static func trusted(
    _ ways: [StretchBecoming], at t: Instant, _ target: (StretchBecoming) -> String
  ) -> [NaiveView.Trusted] {
    let found = ways.compactMap { way -> NaiveView.Trusted? in
      let sets: [(IntervalSet, Status)] = [
        (way.allowed, .allowed), (way.conditional, .conditional), (way.unknown, .unknown),
      ]
      return sets.first { $0.0.contains(t) }.map { NaiveView.Trusted(way.identity, target(way), $0.1) }
    }
    return Set(found).sorted()
  }

  private func whoProblem(
    _ graph: AccessGraph, _ naive: NaiveView, _ view: Viewpoint, _ random: inout SeededGenerator
  ) -> String? {
    let resource = random.pick(Universe.scopes + Universe.identities.map { "identity/" + $0 })
    let subjects: [WhoSubject] = [
      .access(action: random.pick(Universe.actions + Trust.actions), resource: resource), .role(random.pick(Universe.roles)),
      .group(random.pick(Universe.groups)),
    ]
    for subject in subjects {
      let answer = graph.becoming(subject, from: view, beside: graph.who(subject, from: view))
      let found = answer.ways.map { NaiveView.Trusted($0.identity, "", $0.status) }.sorted()
      let expected = naive.becoming(subject)
      if found != expected { return "\(subject): \(found) instead of \(expected)" }
    }
    return nil
  }

  /// Whether each step goes on where the one before ended, no identity comes twice, and the worst step is what is said.
  private static func isChain(_ way: Becoming) -> Bool {
    let order: [Status] = [.allowed, .conditional, .unknown]
    let places = [way.identity] + way.steps.map(\.becomes)
    let fits = zip(way.steps, places).allSatisfy { $0.identity.isExactly($1) }
    let worst = way.steps.compactMap { order.firstIndex(of: $0.status) }.max()
    return fits && places.last?.isExactly(way.target) == true && Set(places.map { Entity.identity($0) }).count == places.count
      && worst.map { order[$0] } == way.status
  }

  // MARK: By hand

  private static func graph(_ changes: [Change]) -> AccessGraph {
    let graph = AccessGraph()
    for (index, change) in changes.enumerated() {
      graph.apply(
        Event(
          position: Int64(index) + 1, eventID: "e\(index)", effectiveAt: Universe.instant(0), recordedAt: Universe.instant(1),
          source: "s1", basis: .declared, authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"),
          change: change))
    }
    graph.publish()
    return graph
  }

  private static func grant(_ id: String, _ who: Entity, _ role: String, _ scope: String, if condition: JSONValue? = .none)
    -> Change
  {
    .assignmentGranted(id: id, grant: Grant(principal: who, role: role, scope: scope, condition: condition))
  }

  private static let mfa: JSONValue = ["Bool": ["request.mfa": "true"]]

  /// Eve may become ci, whoever is in ops may become deploy with MFA, ci is in ops, deploy reads the logs; root administers all.
  private static let changes: [Change] =
    ["eve", "ci", "deploy", "root", "bob"].map { .identityRegistered(id: $0, kind: .person, attributes: [:]) } + [
      .groupCreated(id: "ops", attributes: [:]),
      .membershipAdded(group: "ops", member: .identity("ci"), expiresAt: nil),
      .roleDefined(
        id: "assume", document: RoleDocument(permissions: [Permission(actions: ["identity:assume"])]), attributes: [:]),
      .roleDefined(id: "admin", document: RoleDocument(permissions: [Permission(actions: ["*"])]), attributes: [:]),
      .roleDefined(id: "reader", document: RoleDocument(permissions: [Permission(actions: ["s3:Get*"])]), attributes: [:]),
      grant("t1", .identity("eve"), "assume", "identity/ci"), grant("t2", .group("ops"), "assume", "identity/deploy", if: mfa),
      grant("r1", .identity("deploy"), "reader", "logs"), grant("all", .identity("root"), "admin", "*"),
      grant("near", .identity("bob"), "admin", "identity"),
    ]
  private static let view = Viewpoint(at: Universe.instant(5), asKnownAt: Int64(changes.count))

  @Test func `a chain goes on over groups, is as certain as its weakest step, and names the assignments`() throws {
    let graph = Self.graph(Self.changes)
    let subject = WhoSubject.access(action: "s3:GetObject", resource: "logs/today")
    let holders = graph.who(subject, from: Self.view)
    #expect(holders.map(\.identity) == ["deploy", "root"])
    let ways = graph.becoming(subject, from: Self.view, beside: holders).ways
    #expect(ways.map { "\($0.identity) \($0.target) \($0.status)" } == ["ci deploy conditional", "eve deploy conditional"])
    let chain = try #require(ways.last)
    #expect(
      chain.steps.map { "\($0.identity) becomes \($0.becomes) by \($0.assignment)" } == [
        "eve becomes ci by t1", "ci becomes deploy by t2",
      ])
    #expect(chain.steps.map(\.conditions) == [[], [Self.mfa]])
    let why = graph.becoming("eve", action: "s3:GetObject", resource: "logs/today", from: Self.view).ways
    #expect(why.map(\.target) == ["deploy"])
    #expect(why.first?.path?.steps.count == 3)
  }

  @Test func `only a scope that is exactly the identity is a trust, never a wider one`() {
    let graph = Self.graph(Self.changes)
    for identity in ["root", "bob"] { #expect(graph.becoming(from: identity, from: Self.view) == .nobody) }
    #expect(graph.becoming(into: "ci", from: Self.view).ways.map(\.identity) == ["eve"])
  }

  @Test func `nobody becomes who is suspended, nor what a policy denies them`() {
    let denied = PolicyDocument(
      type: .deny, rule: ["principals": ["identity:eve"], "actions": ["identity:*"], "resources": ["identity/ci"]])
    for end: Change in [
      .identitySuspended(id: "ci"), .identitySuspended(id: "eve"), .assignmentRevoked(id: "t1"),
      .policyDefined(id: "d", policy: denied, attributes: [:]),
    ] {
      let graph = Self.graph(Self.changes + [end])
      let view = Viewpoint(at: Self.view.at, asKnownAt: graph.position)
      #expect(graph.becoming(from: "eve", from: view) == .nobody, "\(end)")
      #expect(graph.becoming(from: "eve", from: Self.view).ways.count == 2)
    }
  }

  @Test func `a limit that is hit is said`() {
    let graph = Self.graph(Self.changes)
    var limits = BecomingLimits()
    limits.steps = 1
    let near = graph.becoming(from: "eve", from: Self.view, limits: limits)
    #expect(near.ways.map(\.target) == ["ci"])
    #expect(!near.isWhole)
    limits = BecomingLimits()
    limits.identities = 2
    #expect(!graph.becoming(from: "eve", from: Self.view, limits: limits).isWhole)
    limits = BecomingLimits()
    limits.judgements = 1
    #expect(!graph.becoming(from: "eve", from: Self.view, limits: limits).isWhole)
    #expect(graph.becoming(from: "eve", from: Self.view).isWhole)
  }

  @Test func `an id that is no path cannot be trusted, and it is said why`() throws {
    #expect(try Trust.scope(of: "arn:aws:iam::1:role/x") == "identity/arn:aws:iam::1:role/x")
    #expect(Trust.identity(of: "identity/arn:aws:iam::1:role/x") == "arn:aws:iam::1:role/x")
    for id in ["", "a*", "a//b", "/a", "a/", String(repeating: "a/", count: 64) + "a", "a\u{7}"] {
      let refusal = #expect(throws: Refusal.self) { try Trust.scope(of: id) }
      #expect(refusal?.code == .malformed)
    }
    #expect(Trust.identity(of: "identity/") == nil)
    #expect(Trust.identity(of: "identities/a") == nil)
  }
}
