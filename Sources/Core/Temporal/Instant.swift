/// A moment on the UTC time line in whole microseconds, in the years 1 to 9999.
///
/// The calendar is the proleptic Gregorian one of RFC 3339; leap seconds do not exist in it, as in POSIX time.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
  public let microseconds: Int64

  /// The first moment of year 1, the earliest instant there is.
  public static let earliest = Instant(unchecked: -62_135_596_800_000_000)

  /// The last microsecond of year 9999, the latest instant there is.
  public static let latest = Instant(unchecked: 253_402_300_799_999_999)

  init(unchecked microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// Makes the instant so many microseconds after the Unix epoch.
  ///
  /// - Precondition: the result lies in the years 1 to 9999; use ``init(exactly:)`` for a number from outside.
  public init(microseconds: Int64) {
    precondition(Self.holds(microseconds), "an instant lies in the years 1 to 9999")
    self.microseconds = microseconds
  }

  /// Makes the instant so many microseconds after the Unix epoch, or nothing where that is outside the years 1 to 9999.
  public init?(exactly microseconds: Int64) {
    guard Self.holds(microseconds) else { return nil }
    self.microseconds = microseconds
  }

  /// Makes the instant of a day and the microseconds after its midnight UTC, or nothing where the calendar has no such day.
  ///
  /// - Precondition: the microseconds lie within a day.
  public init?(year: Int, month: Int, day: Int, microsecondOfDay: Int64) {
    precondition((0..<Self.microsecondsPerDay).contains(microsecondOfDay), "a time lies within its day")
    guard (1...9999).contains(year), let date = CivilDate(year: year, month: month, day: day) else { return nil }
    self.init(unchecked: Int64(date.daysSinceEpoch) * Self.microsecondsPerDay + microsecondOfDay)
  }

  private static func holds(_ microseconds: Int64) -> Bool {
    (earliest.microseconds...latest.microseconds).contains(microseconds)
  }

  /// Whether the left instant is before the right one.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The instant one microsecond later; ``latest`` is its own successor.
  public var next: Instant { adding(microseconds: 1) }

  /// The instant so many microseconds later (earlier if negative), stopping at ``earliest`` and ``latest``.
  public func adding(microseconds distance: Int64) -> Instant {
    let (sum, overflowed) = microseconds.addingReportingOverflow(distance)
    if overflowed { return distance < 0 ? .earliest : .latest }
    return Instant(unchecked: min(max(sum, Self.earliest.microseconds), Self.latest.microseconds))
  }

  /// The microseconds from this instant to another, negative if the other is earlier; this never overflows.
  public func distance(to other: Instant) -> Int64 {
    other.microseconds - microseconds
  }
}
