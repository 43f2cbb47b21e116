internal import Foundation

/// A time zone of the IANA database, for reading an instant on a wall clock.
///
/// The rules come with the toolchain's Foundation; instants before the first rule have the zone's first offset.
public struct Zone: Hashable, Sendable {
  /// The zone's name, such as `Europe/Berlin`.
  public let name: String
  private let zone: TimeZone

  /// Coordinated Universal Time.
  public static let utc: Zone = {
    guard let zone = Zone("UTC") else { preconditionFailure("every time zone database has UTC") }
    return zone
  }()

  /// The zone of that name, nil where the database has none.
  ///
  /// Abbreviations such as `CET` or `EST` are no names here: they mean different offsets to different people.
  public init?(_ name: String) {
    guard name == "UTC" || name.contains("/"), let zone = TimeZone(identifier: name) else { return nil }
    self.name = name
    self.zone = zone
  }

  /// Seconds that the zone's clocks are ahead of UTC at an instant.
  public func offsetSeconds(at instant: Instant) -> Int {
    let seconds = instant.microseconds.quotientRoundedDown(by: 1_000_000)
    return zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
  }

  /// What the zone's clocks and calendars show at an instant.
  public func civilTime(at instant: Instant) -> CivilTime {
    let seconds = instant.microseconds.quotientRoundedDown(by: 1_000_000) + Int64(offsetSeconds(at: instant))
    let days = seconds.quotientRoundedDown(by: 86_400)
    let second = Int(seconds - days * 86_400)
    let date = CivilDate(daysSinceEpoch: Int(days))
    // 1 January 1970 was a Thursday, the fourth day of its week.
    let weekday = Int((days + 3) - (days + 3).quotientRoundedDown(by: 7) * 7) + 1
    return CivilTime(
      year: date.year, month: date.month, day: date.day, hour: second / 3600, minute: second / 60 % 60,
      second: second % 60, weekday: weekday)
  }
}

/// A moment as a wall clock and a calendar show it.
public struct CivilTime: Hashable, Sendable {
  /// The year.
  public var year: Int
  /// The month, 1 to 12.
  public var month: Int
  /// The day of the month, 1 to 31.
  public var day: Int
  /// The hour, 0 to 23.
  public var hour: Int
  /// The minute, 0 to 59.
  public var minute: Int
  /// The second, 0 to 59.
  public var second: Int
  /// The day of the week by ISO 8601: 1 for Monday to 7 for Sunday.
  public var weekday: Int
}

extension Int64 {
  fileprivate func quotientRoundedDown(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
