/// Moments that come again: a cron expression, read on the clocks of a zone.
///
/// Five fields parted by blanks: minute (0–59), hour (0–23), day of the month (1–31), month (1–12 or `jan`–`dec`), day of the week
/// (0–7 or `sun`–`sat`; 0 and 7 are Sunday). Each is a list of `*`, values and ranges such as `mon-fri`; a `*` and a range may have a
/// step, `*/5`. Or one of `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`. Letters may be of either case. Where both days are
/// restricted, which is written as anything but `*`, either is enough: `0 0 13 * fri` is every 13th and every Friday.
///
/// When the zone's clocks change:
/// - *A time that they leave out* fires at the first instant after the gap, once for all such times of that day; where every
///   hour is asked for, the next hour's firing stands for it.
/// - *A time that they show twice* fires once, at its first occurrence; where every hour is asked for, or the minutes are
///   written with a `*`, firing goes on in real time, at both. So `*/5 * * * *` fires every five minutes, whatever the clocks do,
///   and `30 2 * * *` once on each day.
///
/// Source: crontab(5) for the expression, Debian's cron(8) for the changes of clocks.
public struct CronSchedule: Hashable, Sendable, CustomStringConvertible {
  /// The expression as it was written.
  public let expression: String
  /// The zone on whose clocks it is read.
  public let zone: Zone
  private let fields: CronExpression

  /// Days that are looked at for the next firing: 29 February, the rarest day there is, is missing for eight years around
  /// 1900 and 2100.
  static let daysSearched: Int64 = 9 * 366
  private static let daySeconds: Int64 = 86_400

  /// Reads an expression.
  ///
  /// One that never fires, such as `0 0 30 2 *`, is an expression too: ``next(after:)`` answers nil.
  /// - Throws: ``CronScheduleError`` with the field.
  public init(_ expression: String, in zone: Zone = .utc) throws(CronScheduleError) {
    fields = try CronExpression(expression)
    self.expression = expression
    self.zone = zone
  }

  /// The expression and its zone.
  public var description: String { "\(expression) \(zone.name)" }

  /// The first firing after an instant; nil where there is none within nine years, which means never.
  ///
  /// O(days until then); for the zone's rules it asks only on days that match.
  public func next(after instant: Instant) -> Instant? {
    let clock = zone.civilTime(at: instant)
    guard let date = CivilDate(year: clock.year, month: clock.month, day: clock.day) else { return nil }
    let today = Int64(date.daysSinceEpoch)
    // Whole seconds, rounded down: no instant is earlier than the earliest.
    let earliest = Instant.earliest
    let now = earliest.distance(to: instant) / 1_000_000 + earliest.microseconds / 1_000_000
    var found: (day: Int64, moment: Int64)?
    // From yesterday on: where clocks go back over midnight, its last hour comes a second time.
    for day in (today - 1)...(today + Self.daysSearched) {
      // For the same reason a day's firing may lie before one of the day before.
      if let found, day > found.day + 1 { break }
      guard isDay(day), let moment = firing(on: day, after: now) else { continue }
      if moment < found?.moment ?? .max { found = (day, moment) }
    }
    return found.flatMap { Instant(exactly: $0.moment * 1_000_000) }
  }

  private func isDay(_ day: Int64) -> Bool {
    // 1 January 1970 was a Thursday; days before it are negative.
    let weekday = ((day + 4) % 7 + 7) % 7
    return fields.contains(CivilDate(daysSinceEpoch: Int(day)), weekday: Int(weekday))
  }

  /// The first firing of a day after a moment; all in seconds since 1970, the day in days.
  private func firing(on day: Int64, after now: Int64) -> Int64? {
    let midnight = day * Self.daySeconds
    // The offsets that the day's clocks may have: those of the days around it, of which most are equal.
    let around = (offset(at: midnight - Self.daySeconds), offset(at: midnight + 2 * Self.daySeconds))
    var earliest: Int64?
    for hour in 0..<24 where fields.hours.contains(hour) {
      for minute in 0..<60 where fields.minutes.contains(minute) {
        let local = midnight + Int64(hour * 3600 + minute * 60)
        if local - min(around.0, around.1) <= now { continue }
        if let earliest, local - max(around.0, around.1) >= earliest { return earliest }
        for moment in moments(showing: local, around) where moment > now { earliest = min(earliest ?? moment, moment) }
      }
    }
    return earliest
  }

  /// The moments at which a local time fires: one, or none or two where clocks change.
  private func moments(showing local: Int64, _ around: (Int64, Int64)) -> [Int64] {
    if around.0 == around.1 { return [local - around.0] }
    let (early, late) = (local - max(around.0, around.1), local - min(around.0, around.1))
    let shown = [early, late].filter { $0 + offset(at: $0) == local }
    if shown.isEmpty { return fields.hours.isEvery ? [] : [endOfGap(after: early, through: late, leavingOut: local)] }
    let goesOn = fields.hours.isEvery || fields.minutes.isWildcard
    return goesOn ? shown : Array(shown.prefix(1))
  }

  /// The first moment at which clocks show more than a time that they leave out.
  private func endOfGap(after early: Int64, through late: Int64, leavingOut local: Int64) -> Int64 {
    var (before, after) = (early, late)
    while after - before > 1 {
      let middle = before + (after - before) / 2
      if middle + offset(at: middle) > local { after = middle } else { before = middle }
    }
    return after
  }

  /// Seconds that clocks are ahead of UTC at a moment, or at the first or last instant there is.
  private func offset(at moment: Int64) -> Int64 {
    let instant = Instant(exactly: moment * 1_000_000) ?? (moment < 0 ? .earliest : .latest)
    return Int64(zone.offsetSeconds(at: instant))
  }
}
