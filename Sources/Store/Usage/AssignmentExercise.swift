public import Governance
public import Temporal

/// What usage says of a permission.
public enum ExerciseWord: String, Hashable, Sendable, CaseIterable {
  /// It was used.
  case used
  /// It was not, though usage coverage could see it for some time.
  case unused
  /// No use was told, and usage coverage could see it at no time: nothing follows.
  case notObservable = "not_observable"
}

/// An action that a permission gave and that was used.
public struct ExercisedAction: Hashable, Sendable {
  /// The action.
  public var action: String
  /// When it was last used.
  public var lastUsed: Instant
}

/// One pattern of a permission that an assignment gives, and what was used of it.
public struct ExercisedPermission: Hashable, Sendable {
  /// The role that has it: the assignment's, or one that it includes.
  public var role: String
  /// Which of the role's permissions, as defined at the end of the window.
  public var index: Int
  /// The pattern of actions.
  public var pattern: String
  /// The patterns of resources, within the assignment's scope.
  public var resources: [String]
  /// When the assignment gave it, within the window.
  public var held: IntervalSet
  /// Whether any of its resources lies within the assignment's scope; where none does, it gives nothing there.
  public var liesInScope: Bool
  /// The part of that for which usage coverage could have seen every use of it.
  public var observed: IntervalSet
  /// The actions that were used, in byte order.
  public var used: [ExercisedAction]

  /// What follows.
  public var word: ExerciseWord { used.isEmpty ? (observed.isEmpty ? .notObservable : .unused) : .used }
}

/// An assignment, and which of its permissions were used over a window.
public struct AssignmentExercise: Hashable, Sendable {
  /// The assignment's id.
  public var assignment: String
  /// What it grants.
  public var grant: Grant
  /// When it held, within the window.
  public var held: IntervalSet
  /// Whether the documents of all its roles are known; where not, it gave what stands in none of the permissions below.
  public var isDocumentKnown: Bool
  /// Whom it reached at any time in the window, in byte order: the principal, members of the group, persons of the accounts; a
  /// built-in principal by its own name, though all count whom it stands for.
  public var identities: [String] { reached.keys.sorted().map(\.id) }
  /// When it reached each of them, within the window.
  public var reached: [Entity: IntervalSet]
  /// Every pattern of every permission that it gave at its end, or at the window's end.
  public var permissions: [ExercisedPermission]

  /// When it gave anything.
  public var gave: IntervalSet {
    if !isDocumentKnown { return held }
    return permissions.lazy.filter(\.liesInScope).reduce(IntervalSet()) { $0.union($1.held) }
  }

  /// When it gave anything of which usage coverage could not have seen every use.
  public var unseen: IntervalSet {
    if !isDocumentKnown { return held }
    return permissions.lazy.filter(\.liesInScope).reduce(IntervalSet()) { $0.union($1.held.subtracting($1.observed)) }
  }

  /// The last use of any of it.
  public var lastUsed: Instant? { permissions.flatMap(\.used).map(\.lastUsed).max() }
}
