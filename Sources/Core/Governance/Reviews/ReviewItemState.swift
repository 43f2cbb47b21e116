public import Temporal

/// One step about an item, each an event type such as `review.decided`.
public enum ReviewItemStep: String, Hashable, Sendable, CaseIterable {
  case assigned, decided, executed
}

/// What a reviewer says of an item.
public enum ReviewChoice: String, Hashable, Sendable, CaseIterable {
  case keep, revoke
  /// To a smaller role or scope, or an end.
  case reduce
  /// Somebody else is to decide.
  case delegate
}

/// To what an item is reduced; what is left out stays as it is.
public struct ReviewReduction: Hashable, Sendable {
  /// The role to give instead.
  public var role: String?
  /// The scope to give it on instead.
  public var scope: String?
  /// The end that it gets.
  public var expiresAt: Instant?

  /// A reduction.
  public init(role: String? = nil, scope: String? = nil, expiresAt: Instant? = nil) {
    self.role = role
    self.scope = scope
    self.expiresAt = expiresAt
  }
}

/// What a command says of an item.
public struct ReviewItemOrder: Hashable, Sendable {
  /// The grant as whoever decides saw it.
  public var digest: String?
  /// What is decided.
  public var choice: ReviewChoice?
  /// To whom it is assigned or delegated.
  public var reviewer: String?
  /// To what it is reduced.
  public var reduction: ReviewReduction?
  /// Whether one command decided several.
  public var isBulk: Bool

  /// An order; what a step does not ask for is left out.
  public init(
    digest: String? = nil, choice: ReviewChoice? = nil, reviewer: String? = nil, reduction: ReviewReduction? = nil,
    isBulk: Bool = false
  ) {
    self.digest = digest
    self.choice = choice
    self.reviewer = reviewer
    self.reduction = reduction
    self.isBulk = isBulk
  }
}

/// How somebody came to review an item.
public enum ReviewerRoute: String, Hashable, Sendable, CaseIterable {
  case assigned, owner, manager, named, escalation
}

/// To whom an item was given by hand.
public struct ReviewAssignment: Hashable, Sendable {
  /// The reviewer.
  public var reviewer: String
  /// Who gave it to them.
  public var by: String
  /// When.
  public var at: Instant
  /// Whether it was the reviewer before who did.
  public var isDelegated: Bool
  /// Why.
  public var reason: String?

  /// An assignment of an item.
  public init(reviewer: String, by: String, at: Instant, isDelegated: Bool, reason: String? = nil) {
    self.reviewer = reviewer
    self.by = by
    self.at = at
    self.isDelegated = isDelegated
    self.reason = reason
  }
}

/// What was decided of an item.
public struct ReviewDecision: Hashable, Sendable {
  /// Keep, revoke or reduce.
  public var choice: ReviewChoice
  /// The grant that it was decided of: one that has changed since needs a new decision.
  public var digest: String
  /// Who decided.
  public var by: String
  /// How they came to.
  public var route: ReviewerRoute
  /// When.
  public var at: Instant
  /// Why, as the reviewer said.
  public var rationale: String?
  /// Whether one command decided several.
  public var isBulk: Bool
  /// To what it is reduced.
  public var reduction: ReviewReduction?

  /// A decision.
  public init(
    choice: ReviewChoice, digest: String, by: String, route: ReviewerRoute, at: Instant, rationale: String? = nil,
    isBulk: Bool = false, reduction: ReviewReduction? = nil
  ) {
    self.choice = choice
    self.digest = digest
    self.by = by
    self.route = route
    self.at = at
    self.rationale = rationale
    self.isBulk = isBulk
    self.reduction = reduction
  }
}

/// What is done about an item.
public enum ReviewMeasure: String, Hashable, Sendable, CaseIterable {
  case revoke, reduce, lock
}

/// What became of doing it.
public struct ReviewExecution: Hashable, Sendable {
  /// What came of it.
  public enum Outcome: String, Hashable, Sendable, CaseIterable {
    /// Done: the next event of the log did it.
    case done
    /// There was nothing left to do.
    case gone
    /// A rule forbade it, which is tried again.
    case failed
  }

  /// What was to be done.
  public var measure: ReviewMeasure
  /// What came of it.
  public var outcome: Outcome
  /// When.
  public var at: Instant
  /// The code of the refusal.
  public var code: String?
  /// Its sentence.
  public var message: String?

  /// An execution.
  public init(measure: ReviewMeasure, outcome: Outcome, at: Instant, code: String? = nil, message: String? = nil) {
    self.measure = measure
    self.outcome = outcome
    self.at = at
    self.code = code
    self.message = message
  }
}

/// What has become of one item: whole, as each of its events writes it.
public struct ReviewItemState: Hashable, Sendable {
  /// The step that came last.
  public var step: ReviewItemStep
  /// To whom it was given by hand.
  public var assignment: ReviewAssignment?
  /// What was decided last.
  public var decision: ReviewDecision?
  /// What became of the decision.
  public var execution: ReviewExecution?

  /// A state; the default is that nothing has become of it.
  public init(
    step: ReviewItemStep, assignment: ReviewAssignment? = nil, decision: ReviewDecision? = nil,
    execution: ReviewExecution? = nil
  ) {
    self.step = step
    self.assignment = assignment
    self.decision = decision
    self.execution = execution
  }
}
