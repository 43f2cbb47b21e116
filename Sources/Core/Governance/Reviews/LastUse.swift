public import Temporal

/// Why a use of a grant would not be seen at a moment: that none was seen is then no sign that it is not needed.
public enum UnseenReason: String, Hashable, Sendable, CaseIterable {
  /// Nobody looked.
  case notLookedAt = "not_looked_at"
  /// The grant has ended.
  case ended
  /// It leads to no permission, so that there is nothing to use.
  case givesNothing = "gives_nothing"
  /// The document of a role that it gives is not known.
  case roleUnknown = "role_unknown"
  /// At no time while it was held would every use of what it gives have been seen.
  case neverCovered = "never_covered"
  /// Every use would have been seen for a while, and not any more.
  case coverageEnded = "coverage_ended"
}

/// What is known of the last use of a grant.
public struct LastUse: Hashable, Sendable {
  /// The last use that was told of, wherever it was; nil where none was.
  public var at: Instant?
  /// The last stretch over which every use of what the grant gave would have been seen; without an end where that is so still, nil
  /// where it never was.
  public var seen: Interval?
  /// Why a use would not be seen now; nil where it would.
  public var unseen: UnseenReason?

  /// What is known; the default is nothing.
  public init(at: Instant? = nil, seen: Interval? = nil, unseen: UnseenReason? = nil) {
    self.at = at
    self.seen = seen
    self.unseen = unseen
  }

  /// Nobody looked.
  public static let notLookedAt = LastUse(unseen: .notLookedAt)

  /// Since when every use would have been seen, and there was none; nil where there was one or it cannot be said.
  public var noneSince: Instant? { at == nil && unseen == nil ? seen?.from : nil }
}
