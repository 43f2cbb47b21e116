import Governance
import JSON
import Temporal
import TestSupport

/// The organisation of the request desk, with owners, managers and grants that are reviewed.
///
/// dan owns the role `db-admin`, cy `reader`, mallory the group `vault`; ada and dan report to bob, bob to cy. Granted by mallory: `a1`
/// db-admin on prod to ada, `a2` reader on prod to ada, `a3` db-admin to dan, `a4` reader to the group oncall.
struct ReviewDesk {
  var desk: RequestDesk

  init() throws(Refusal) {
    desk = try RequestDesk()
    for (id, manager) in [("ada", "bob"), ("dan", "bob"), ("bob", "cy")] {
      try revise(.identityRegistered(id: id, kind: .person, attributes: ["manager": .open(.string(manager))]))
    }
    for (role, owner) in [("db-admin", "dan"), ("reader", "cy")] {
      let document = RoleDocument(permissions: [Permission(actions: ["\(role).*"])])
      try revise(.roleDefined(id: role, document: document, attributes: ["owner": .open(.string(owner))]))
    }
    try revise(.groupCreated(id: "vault", attributes: ["owner": .open("mallory")]))
    let grants: [(String, Entity, String)] = [
      ("a1", .identity("ada"), "db-admin"), ("a2", .identity("ada"), "reader"), ("a3", .identity("dan"), "db-admin"),
      ("a4", .group("oncall"), "reader"),
    ]
    for (id, principal, role) in grants {
      let grant = Grant(principal: principal, role: role, scope: "prod")
      try desk.tell(.assignmentGranted(id: id, grant: grant), by: "mallory", isUnapproved: true, reason: "as ever")
    }
  }

  private mutating func revise(_ change: Change) throws(Refusal) {
    var command = Command(change, expecting: .present, authority: Authority(reason: "as ever"))
    command.isUnapproved = true
    try desk.send(command)
  }

  /// The usual terms: owners, then managers, then cy.
  static func terms(
    _ query: ReviewQuery = ReviewQuery(scope: "prod"), executes: ReviewExecutionTime = .atClose,
    atDeadline: DeadlineMeasure = .keep, signsOff: [Entity] = []
  ) -> ReviewTerms {
    ReviewTerms(
      query: query, reviewers: [.owner, .manager], escalation: [.identity("cy")], decideWithinDays: 10,
      atDeadline: atDeadline, executes: executes, signsOff: signsOff)
  }

  mutating func open(_ id: String = "q", _ terms: ReviewTerms = terms()) throws(Refusal) {
    try desk.send(Command(.review(id: id, .opened, by: nil, nil, Review(step: .opened, terms: terms))))
  }

  mutating func step(_ step: ReviewStep, of id: String = "q", by: String? = nil, reason: String? = nil) throws(Refusal) {
    try desk.send(Command(.review(id: id, step, by: by, nil, nil), authority: Authority(reason: reason)))
  }

  mutating func decide(
    _ item: GrantName, _ choice: ReviewChoice, by: String, _ reason: String? = nil, to reviewer: String? = nil,
    _ reduction: ReviewReduction? = nil, digest: String? = nil, isBulk: Bool = false, in review: String = "q"
  ) throws(Refusal) {
    let order = ReviewItemOrder(digest: digest, choice: choice, reviewer: reviewer, reduction: reduction, isBulk: isBulk)
    var command = Command(
      .reviewItem(review: review, item, .decided, by: by, order, nil), authority: Authority(reason: reason))
    command.witness = witness(item)
    try desk.send(command)
  }

  mutating func assign(_ item: GrantName, to reviewer: String, by: String, in review: String = "q") throws(Refusal) {
    let order = ReviewItemOrder(reviewer: reviewer)
    var command = Command(.reviewItem(review: review, item, .assigned, by: by, order, nil))
    command.witness = witness(item)
    try desk.send(command)
  }

  mutating func execute(_ item: GrantName, in review: String = "q") throws(Refusal) {
    try desk.send(Command(.reviewItem(review: review, item, .executed, by: nil, nil, nil)))
  }

  /// Who wrote the events that a grant comes from, from the log itself.
  func witness(_ item: GrantName) -> [Int64: Witness] {
    let world = desk.world
    let positions = world.reviewItem(item, at: desk.now).map(world.grantPositions) ?? []
    return Dictionary(
      uniqueKeysWithValues: positions.map { position in
        (position, Witness(desk.events[Int(position) - 1]))
      })
  }

  func population(of id: String = "q") throws -> Population {
    guard let standing = desk.world.review(id, at: desk.now) else { return Population(items: []) }
    return try desk.world.frozenPopulation(of: standing)
  }

  func state(_ item: GrantName, of review: String = "q") -> ReviewItemState? {
    desk.world.reviewItemState(item, of: review, at: desk.now)?.state
  }

  func standing(_ item: GrantName, of review: String = "q") -> DecisionState {
    desk.world.decisionState(of: item, state(item, of: review), at: desk.now)
  }

  func reviewers(of item: GrantName, in review: String = "q") throws -> ItemReviewers {
    guard let standing = desk.world.review(review, at: desk.now), let found = desk.world.reviewItem(item, at: desk.now)
    else { return ItemReviewers() }
    return ReviewerChoice(desk.world, standing.terms, at: desk.now, witness: witness(item)).reviewers(of: found, state(item))
  }

  mutating func wait(days: Int64) { desk.wait(seconds: days * 86_400) }
}
