import JSON
import Temporal
import TestSupport
import Testing

/// Firings as other programs give them, and as a slow walk over every minute does.
@Suite struct CronVectorTests {
  private static func text(_ name: String) -> [UInt8]? { SharedVectors.files(in: "cron").first { $0.name == name }?.bytes }

  /// All but the 28 rows with a range from a value to itself: to croniter alone `5-5` is the whole field (pallets-eco/croniter
  /// #257 says so); to crontab(5), and here, it is 5.
  @Test func `every row of croniter's is what this fires`() throws {
    guard let bytes = Self.text("croniter-utc.ndjson") else { return }
    var (rows, leftOut) = (0, 0)
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let row = try JSONValue(parsing: Array(line))
      let (spec, zone, after) = (row["spec"]?.stringValue ?? "", row["tz"]?.stringValue ?? "", row["after"]?.stringValue ?? "")
      let expected = try (row["next"]?.arrayValue ?? []).map { try Instant(rfc3339: $0.stringValue ?? "") }
      let schedule = try CronSchedule(spec, in: try #require(Zone(zone)))
      if spec.split(whereSeparator: { " ,".contains($0) }).contains(where: Self.isOfOneValue) {
        leftOut += 1
        continue
      }
      let firings = schedule.firings(after: try Instant(rfc3339: after), count: expected.count)
      #expect(firings == expected, "\(spec) after \(after)")
      rows += 1
    }
    #expect(rows == 477 - 28)
    #expect(leftOut == 28)
  }

  private static func isOfOneValue(_ item: Substring) -> Bool {
    let ends = item.split(separator: "-")
    return ends.count == 2 && ends[0] == ends[1]
  }

  /// A row of robfig/cron's, which reads another dialect.
  ///
  /// What differs in writing only is written in ours: a leading field of seconds that is `0` is
  /// left out, `?` is `*`, `5/15` is `5-59/15`, and `TZ=` names the zone beside the expression. What differs in meaning is
  /// left out: other seconds, since our minutes have none, and the rows of its own rule for clocks that change, see below.
  private struct Row {
    let schedule: CronSchedule

    init?(_ text: String, hasSeconds: Bool, zone: String?) throws {
      var words = text.split(separator: " ").map(String.init)
      var zone = zone
      if let first = words.first, let name = first.split(separator: "=").last, first.contains("TZ=") {
        zone = String(name)
        words.removeFirst()
      }
      if hasSeconds, words.count == 6, words.removeFirst() != "0" { return nil }
      let highest = ["59", "23", "31", "12", "6"]
      for (index, word) in words.enumerated() where words.count == 5 {
        let parts = word.split(separator: "/")
        let isStepOfOne = parts.count == 2 && parts[0] != "*" && !parts[0].contains("-")
        words[index] = word == "?" ? "*" : isStepOfOne ? "\(parts[0])-\(highest[index])/\(parts[1])" : word
      }
      let named = try zone.map { try #require(Zone($0)) }
      schedule = try CronSchedule(words.joined(separator: " "), in: named ?? .utc)
    }
  }

  /// Rows of clocks that change on which robfig/cron and this differ, by expression and instant: it leaves out a time in a gap,
  /// where this fires at its end; and it fires a time that comes twice at both, where this does at the first.
  private static let otherRule: Set<String> = [
    "30 2 11 Mar * after 2012-03-11T05:00:00.000000Z", "0 2 * * * after 2012-03-11T05:00:00.000000Z",
    "30 1 04 Nov * after 2012-11-04T05:45:00.000000Z", "0 1 * * * after 2012-11-04T05:00:00.000000Z",
  ]

  @Test func `robfig's rows fire where the dialect is ours`() throws {
    guard let bytes = Self.text("robfig.json") else { return }
    let document = try JSONValue(parsing: bytes)
    var (compared, leftOut) = (0, 0)
    for row in document["activation_5_field_utc"]?.arrayValue ?? [] {
      let written = try #require(try Row(row["spec"]?.stringValue ?? "", hasSeconds: false, zone: nil))
      let (instant, _) = try Self.moment(row["time"]?.stringValue ?? "")
      let fires = written.schedule.next(after: instant.adding(microseconds: -1)) == instant
      #expect(fires == (row["fires"]?.boolValue ?? false), "\(row)")
      compared += 1
    }
    for (list, hasSeconds) in [("next_6_field_seconds_first", true), ("next_5_field", false)] {
      for row in document[list]?.arrayValue ?? [] {
        let (after, zone) = try Self.moment(row["after"]?.stringValue ?? "")
        guard let written = try Row(row["spec"]?.stringValue ?? "", hasSeconds: hasSeconds, zone: zone) else {
          leftOut += 1
          continue
        }
        let expected = try row["next"]?.stringValue.map { try Self.moment($0).instant }
        let next = written.schedule.next(after: after)
        let key = "\(written.schedule.expression) after \(after)"
        if Self.otherRule.contains(key) {
          #expect(next != expected, "\(row) is left out for nothing")
          leftOut += 1
        } else {
          #expect(next == expected, "\(row): \(next.map(\.description) ?? "never")")
          compared += 1
        }
      }
    }
    #expect(leftOut > 0)
    #expect(compared > 70)
    for text in document["errors_5_field"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
      #expect(throws: CronScheduleError.self, "\(text)") { try CronSchedule(text) }
    }
  }

  /// Reads `Mon Jul 9 15:00 2012` as UTC, or `2012-11-04T00:00:00-0400`, perhaps after `TZ=…`.
  ///
  /// The day of the week is not looked at, for some are wrong. The zone is that of `TZ=`, or of the only other offset there
  /// is, India's.
  private static func moment(_ text: String) throws -> (instant: Instant, zone: String?) {
    var words = text.split(separator: " ").map(String.init)
    var zone: String?
    if let first = words.first, first.hasPrefix("TZ=") {
      zone = String(first.dropFirst(3))
      words.removeFirst()
    }
    if words.count == 1 {
      let offset = words[0].suffix(5)
      if zone == nil, offset == "+0530" { zone = "Asia/Kolkata" }
      return (try Instant(rfc3339: "\(words[0].dropLast(5))\(offset.prefix(3)):\(offset.suffix(2))"), zone)
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let month = try #require(months.firstIndex(of: words[1])) + 1
    let day = try #require(Int(words[2]))
    let time = words[3].split(separator: ":").count == 2 ? "\(words[3]):00" : words[3]
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return (try Instant(rfc3339: "\(words[4])-\(two(month))-\(two(day))T\(time)Z"), zone)
  }

  // MARK: The slow walk

  /// Zones and a day near which their clocks change.
  private static let changes = [
    ("Europe/Berlin", "2025-03-30"), ("Europe/Berlin", "2025-10-26"), ("America/New_York", "2025-03-09"),
    ("America/New_York", "2025-11-02"), ("America/Sao_Paulo", "2018-11-04"), ("America/Sao_Paulo", "2018-02-18"),
    ("America/St_Johns", "2006-10-29"), ("America/St_Johns", "2006-04-02"), ("Australia/Lord_Howe", "2025-10-05"),
    ("Australia/Lord_Howe", "2025-04-06"), ("Pacific/Apia", "2011-12-30"), ("Asia/Kathmandu", "2025-06-01"),
  ]

  @Test(arguments: changes, [UInt64(1), 2, 3])
  func `around a change of clocks this fires as a walk over every minute does`(
    _ change: (zone: String, day: String), seed: UInt64
  ) throws {
    let zone = try #require(Zone(change.zone))
    let middle = try Instant(rfc3339: "\(change.day)T00:00:00Z")
    let from = middle.adding(microseconds: -3 * 86_400_000_000)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5 {
      let fields = Fields(&random)
      let firings = try CronSchedule(fields.expression, in: zone).firings(after: from, count: 400)
      let to = min(middle.adding(microseconds: 3 * 86_400_000_000), firings.last ?? .latest)
      let expected = fields.walk(zone, from: from, to: to)
      #expect(firings.filter { $0 <= to } == expected, "\(fields.expression) in \(change.zone), seed \(seed)")
    }
  }

  /// Random hours and minutes of every day.
  private struct Fields {
    let minutes: [Int]
    let hours: [Int]
    let hasStar: Bool
    let expression: String

    init(_ random: inout SeededGenerator) {
      let step = random.pick([1, 7, 15, 20, 30])
      hasStar = random.chance(1, in: 2)
      let some = random.some([0, 1, 15, 30, 45, 59], chance: 1, in: 2) + [50]
      minutes = hasStar ? Array(stride(from: 0, to: 60, by: step)) : some
      hours = random.chance(1, in: 4) ? Array(0..<24) : random.some([0, 1, 2, 3, 9, 22, 23], chance: 1, in: 2) + [12]
      let hour = hours.count == 24 ? "*" : hours.map(String.init).joined(separator: ",")
      expression = "\(hasStar ? "*/\(step)" : minutes.map(String.init).joined(separator: ",")) \(hour) * * *"
    }

    /// Looks at every minute, and remembers which times clocks have shown.
    func walk(_ zone: Zone, from: Instant, to: Instant) -> [Instant] {
      let isContinuous = hours.count == 24 || hasStar
      var seen: Set<Instant> = []
      var firings: [Instant] = []
      // A day earlier, so that what was shown before is known.
      var instant = from.adding(microseconds: -86_400_000_000)
      var last = Self.shown(zone, instant)
      while instant <= to {
        let shown = Self.shown(zone, instant)
        var fires = matches(shown) && (isContinuous || !seen.contains(shown))
        var leftOut = Self.minute(after: last)
        while leftOut < shown {
          if hours.count < 24, matches(leftOut) { fires = true }
          leftOut = Self.minute(after: leftOut)
        }
        seen.insert(shown)
        if fires, instant > from { firings.append(instant) }
        last = shown
        instant = Self.minute(after: instant)
      }
      return firings
    }

    private static func minute(after instant: Instant) -> Instant { instant.adding(microseconds: 60_000_000) }

    /// What clocks show, as the instant at which clocks in UTC show it.
    private static func shown(_ zone: Zone, _ instant: Instant) -> Instant {
      let clock = zone.civilTime(at: instant)
      let second = clock.hour * 3600 + clock.minute * 60 + clock.second
      let ofDay = Int64(second) * 1_000_000
      return Instant(year: clock.year, month: clock.month, day: clock.day, microsecondOfDay: ofDay) ?? instant
    }

    private func matches(_ shown: Instant) -> Bool {
      let clock = Zone.utc.civilTime(at: shown)
      return hours.contains(clock.hour) && minutes.contains(clock.minute)
    }
  }
}
