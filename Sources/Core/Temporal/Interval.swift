/// The half-open stretch of time [from, to), where no `to` means no end.
public struct Interval: Hashable, Sendable, CustomStringConvertible {
  /// The first instant inside.
  public let from: Instant

  /// The first instant after the inside, or nothing where the interval has no end.
  public let to: Instant?

  /// All of time, from ``Instant/earliest`` without end.
  public static let always = Interval(from: .earliest)

  /// Makes the interval [from, to).
  ///
  /// - Parameters:
  ///   - from: the first instant inside.
  ///   - to: the first instant after it. The default is no end.
  /// - Precondition: `from` is before `to`; use ``init(exactly:to:)`` for instants from outside.
  public init(from: Instant, to: Instant? = nil) {
    precondition(to.map { from < $0 } ?? true, "an interval begins before it ends")
    self.from = from
    self.to = to
  }

  /// Makes the interval [from, to), or nothing where it would be empty.
  public init?(exactly from: Instant, to: Instant?) {
    if let to, to <= from { return nil }
    self.from = from
    self.to = to
  }

  /// Whether the instant is inside.
  public func contains(_ instant: Instant) -> Bool {
    from <= instant && (to.map { instant < $0 } ?? true)
  }

  /// Whether all of another interval is inside.
  public func contains(_ other: Interval) -> Bool {
    guard from <= other.from else { return false }
    guard let to else { return true }
    return other.to.map { $0 <= to } ?? false
  }

  /// Whether the two share an instant.
  public func overlaps(_ other: Interval) -> Bool {
    (to.map { other.from < $0 } ?? true) && (other.to.map { from < $0 } ?? true)
  }

  /// The instants in both, or nothing where there are none.
  public func intersection(_ other: Interval) -> Interval? {
    Interval(exactly: max(from, other.from), to: Self.earlierEnd(to, other.to))
  }

  /// The earlier of two ends, of which nothing means no end.
  static func earlierEnd(_ left: Instant?, _ right: Instant?) -> Instant? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
  }

  /// The later of two ends, of which nothing means no end.
  static func laterEnd(_ left: Instant?, _ right: Instant?) -> Instant? {
    guard let left, let right else { return nil }
    return max(left, right)
  }

  /// The interval in the notation of mathematics, such as `[2024-05-01T00:00:00.000000Z, ∞)`.
  public var description: String {
    "[\(from), \(to.map(\.description) ?? "∞"))"
  }
}
