import JSON
import Temporal

/// Access reviews: each command is a stated transition or a refusal.
///
/// What a review is about is frozen where it is opened: the moment is that of its recording, and what is known is all that lies
/// before it in the log, so that no writer slips between. It is derived again wherever it is asked for.
extension Decision {
  mutating func decideReview(
    _ id: String, _ step: ReviewStep, by: String?, _ reminder: ReviewReminder?, _ said: Review?
  ) throws(Refusal) {
    switch step {
    case .opened: try open(id, by, said)
    case .reminded: try remind(id, reminder)
    case .signedOff: try signOff(id, by)
    case .closed: try close(id, by)
    case .completed: try complete(id)
    }
  }

  // MARK: Opening

  private mutating func open(_ id: String, _ by: String?, _ said: Review?) throws(Refusal) {
    guard let said else { throw Refusal(.malformed, "must say what is reviewed", at: "/reviewers") }
    if !world.entries(of: .existence(Entity(.review, id))).isEmpty {
      throw Refusal(.idUsed, "a review id is used once; choose another", at: "/id")
    }
    if let by { try require(.identity(by), "/by") }
    let terms = try completed(said.terms)
    for (entity, pointer) in terms.references { try require(entity, pointer) }
    let population = try world.population(terms.query, at: at)
    if population.items.isEmpty {
      throw Refusal(.noChange, "there is nothing to review: no grant is of this kind at \(at)", at: "/scope")
    }
    let frozen = FrozenPopulation(
      at: at, position: world.position, count: Int64(population.items.count), digest: population.digest)
    let progress = ReviewProgress(population: frozen, deadline: at.adding(seconds: terms.decideWithinDays * 86_400))
    put(id, .opened, terms, progress, by: by)
  }

  /// The terms; those of the policy where the command leaves them to it.
  private func completed(_ said: ReviewTerms) throws(Refusal) -> ReviewTerms {
    guard let policy = said.policy else {
      if said.reviewers.isEmpty { throw Refusal(.malformed, "must name who reviews, or a policy that does", at: "/reviewers") }
      return said
    }
    guard case .policy(let document) = world.value(of: .existence(.policy(policy)), at: at)?.value, document.type == .review,
      let rule = try? ReviewRule(document.rule)
    else { throw Refusal(.unknownReference, "is no review policy at \(at)", at: "/policy") }
    if !said.reviewers.isEmpty { return said }
    guard said.query == ReviewQuery() else {
      throw Refusal(.malformed, "must be given too, where the policy does not say all", at: "/reviewers")
    }
    var terms = rule.terms
    terms.policy = policy
    return terms
  }

  // MARK: Reminding, signing, closing

  private mutating func remind(_ id: String, _ reminder: ReviewReminder?) throws(Refusal) {
    guard let reminder else { throw Refusal(.malformed, "is missing", at: "/days_before") }
    let standing = try findReview(id)
    guard standing.isDeciding(at: at) else { throw Refusal(.wrongState, "waits for no decision", at: "/id") }
    if standing.progress.reminded.contains(reminder.daysBefore) {
      throw Refusal(.noChange, "its reviewers were reminded \(reminder.daysBefore) days before", at: "/days_before")
    }
    if standing.progress.reminded.count >= Limits.remindersPerReview {
      throw Refusal(.limitExceeded, "has had its \(Limits.remindersPerReview) reminders", at: "/id")
    }
    if reminder.outstanding.isEmpty { throw Refusal(.noChange, "nobody has anything to decide", at: "/outstanding") }
    var progress = standing.progress
    progress.reminded.append(reminder.daysBefore)
    // One reminder in as many events as it takes to name everybody, all in one batch.
    for start in stride(from: 0, to: reminder.outstanding.count, by: Limits.reviewersPerReminder) {
      let named = reminder.outstanding.dropFirst(start).prefix(Limits.reviewersPerReminder)
      put(
        id, .reminded, standing.terms, progress,
        reminder: ReviewReminder(daysBefore: reminder.daysBefore, outstanding: Array(named)))
    }
  }

  private mutating func signOff(_ id: String, _ by: String?) throws(Refusal) {
    guard let by else { throw Refusal(.malformed, "is missing", at: "/by") }
    guard world.isActive(by, at: at) else { throw Refusal(.notEntitled, "is not an active identity", at: "/by") }
    let standing = try findReview(id)
    guard standing.progress.state == .open else {
      throw Refusal(.wrongState, "is \(standing.progress.state.rawValue)", at: "/id")
    }
    if standing.progress.signature != nil { throw Refusal(.noChange, "is signed off already", at: "/id") }
    guard !world.principalsAbove(.identity(by), at: at).isDisjoint(with: standing.terms.signsOff) else {
      throw Refusal(.notEntitled, "is not named to sign it off", at: "/by")
    }
    let count = try count(id, standing)
    try requireOver(standing, count)
    let selves = world.selves(of: .identity(by), during: nil)
    if count.deciders.contains(where: { !world.selves(of: $0, during: nil).isDisjoint(with: selves) }) {
      throw Refusal(.notEntitled, "decided in it, by this or another account", at: "/by")
    }
    var progress = standing.progress
    progress.signature = ReviewSignature(by: by, at: at)
    put(id, .signedOff, standing.terms, progress, by: by)
  }

  private mutating func close(_ id: String, _ by: String?) throws(Refusal) {
    if let by { try require(.identity(by), "/by") }
    let standing = try findReview(id)
    guard standing.progress.state == .open else {
      throw Refusal(.wrongState, "is \(standing.progress.state.rawValue)", at: "/id")
    }
    let count = try count(id, standing)
    try requireOver(standing, count)
    let isUnsigned = !standing.terms.signsOff.isEmpty && standing.progress.signature == nil
    if isUnsigned, command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "nobody has signed it off: closing it all the same needs a reason", at: "/reason")
    }
    var progress = standing.progress
    progress.closing = ReviewClosing(by: by, at: at, isUnsigned: isUnsigned, undecided: count.undecided)
    progress.state = .closed
    put(id, .closed, standing.terms, progress, by: by)
  }

  private mutating func complete(_ id: String) throws(Refusal) {
    let standing = try findReview(id)
    guard standing.progress.state == .closed else {
      throw Refusal(.wrongState, "is \(standing.progress.state.rawValue)", at: "/id")
    }
    let measures = ReviewMeasures(world, id, standing, at: at)
    let outstanding = try world.frozenPopulation(of: standing).items.count { measures.isOutstanding($0.item) }
    if outstanding > 0 { throw Refusal(.wrongState, "\(outstanding) items are still to be executed", at: "/id") }
    var progress = standing.progress
    progress.state = .completed
    put(id, .completed, standing.terms, progress)
  }

  // MARK: What all steps have in common

  private mutating func put(
    _ id: String, _ step: ReviewStep, _ terms: ReviewTerms, _ progress: ReviewProgress, by: String? = nil,
    reminder: ReviewReminder? = nil
  ) {
    emit(.review(id: id, step, by: by, reminder, Review(step: step, terms: terms, progress: progress)))
  }

  func findReview(_ id: String) throws(Refusal) -> ReviewStanding {
    guard let standing = world.review(id, at: at) else { throw Refusal(.notFound, "there is no such review", at: "/id") }
    return standing
  }

  /// Items without a decision, and everybody who ever decided one.
  private struct ItemCount {
    var undecided: Int64 = 0
    var deciders: Set<Entity> = []
  }

  /// O(items).
  private func count(_ id: String, _ standing: ReviewStanding) throws(Refusal) -> ItemCount {
    var count = ItemCount()
    for item in try world.frozenPopulation(of: standing).items {
      let state = world.reviewItemState(item.item, of: id, at: at)?.state
      switch world.decisionState(of: item.item, state, at: at) {
      case .undecided, .changed: count.undecided += 1
      case .decided, .ended: break
      }
      for decision in world.decisions(about: item.item, of: id) { count.deciders.insert(.identity(decision.by)) }
    }
    return count
  }

  private func requireOver(_ standing: ReviewStanding, _ count: ItemCount) throws(Refusal) {
    if count.undecided == 0 || standing.progress.deadline <= at { return }
    throw Refusal(
      .wrongState, "\(count.undecided) items are undecided and the deadline is \(standing.progress.deadline)", at: "/id")
  }
}

extension ReviewTerms {
  /// The entities that the terms name, each with its pointer; they must exist where the review is opened.
  var references: [(entity: Entity, pointer: String)] {
    var named: [(entity: Entity, pointer: String)] = []
    named += query.roles.enumerated().map { (.role($1), "/roles/\($0)") }
    named += query.groups.enumerated().map { (.group($1), "/groups/\($0)") }
    named += query.identities.enumerated().map { (.identity($1), "/identities/\($0)") }
    for (index, rule) in reviewers.enumerated() {
      if case .named(let entity) = rule { named.append((entity, "/reviewers/\(index)")) }
    }
    named += escalation.enumerated().map { ($1, "/escalation/\($0)") }
    named += signsOff.enumerated().map { ($1, "/signs_off/\($0)") }
    return named
  }
}
