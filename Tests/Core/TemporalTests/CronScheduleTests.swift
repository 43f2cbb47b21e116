import Temporal
import TestSupport
import Testing

/// What a schedule fires next, five times or as often as is said.
struct Firings: CustomTestStringConvertible, Sendable {
  let expression: String
  let zone: String
  let after: String
  let next: [String]

  init(_ expression: String, _ zone: String, after: String, _ next: String...) {
    (self.expression, self.zone, self.after, self.next) = (expression, zone, after, next)
  }

  var testDescription: String { "\(expression) in \(zone) after \(after)" }
}

extension CronSchedule {
  /// So many firings after an instant, fewer where there are no more.
  func firings(after instant: Instant, count: Int) -> [Instant] {
    var found: [Instant] = []
    while found.count < count, let next = next(after: found.last ?? instant) { found.append(next) }
    return found
  }
}

@Suite struct CronScheduleTests {
  /// By hand, from the dates on which clocks change: in Berlin 30 March and 26 October 2025 at 01:00 UTC, in New York 9 March at
  /// 07:00 and 2 November 2025 at 06:00 UTC.
  static let clockChanges: [Firings] = [
    // A time that is left out: the first instant after the gap; then as always.
    Firings(
      "30 2 * * *", "Europe/Berlin", after: "2025-03-29T00:00:00Z", "2025-03-29T01:30:00Z", "2025-03-30T01:00:00Z",
      "2025-03-31T00:30:00Z"),
    Firings("0 2 * * *", "Europe/Berlin", after: "2025-03-29T12:00:00Z", "2025-03-30T01:00:00Z", "2025-03-31T00:00:00Z"),
    Firings("30 2 * * *", "America/New_York", after: "2025-03-08T12:00:00Z", "2025-03-09T07:00:00Z", "2025-03-10T06:30:00Z"),
    Firings("30 2 9 3 *", "America/New_York", after: "2025-01-01T00:00:00Z", "2025-03-09T07:00:00Z", "2026-03-09T06:30:00Z"),
    // Once for all that is left out, and not beside what follows at the same instant.
    Firings(
      "*/30 2 * * *", "Europe/Berlin", after: "2025-03-29T12:00:00Z", "2025-03-30T01:00:00Z", "2025-03-31T00:00:00Z",
      "2025-03-31T00:30:00Z"),
    Firings(
      "0 2,3 * * *", "Europe/Berlin", after: "2025-03-29T12:00:00Z", "2025-03-30T01:00:00Z", "2025-03-31T00:00:00Z",
      "2025-03-31T01:00:00Z"),
    // Every hour: the next hour's stands for it.
    Firings(
      "15 * * * *", "Europe/Berlin", after: "2025-03-30T00:00:00Z", "2025-03-30T00:15:00Z", "2025-03-30T01:15:00Z",
      "2025-03-30T02:15:00Z"),
    Firings(
      "*/20 * * * *", "Europe/Berlin", after: "2025-03-30T00:30:00Z", "2025-03-30T00:40:00Z", "2025-03-30T01:00:00Z",
      "2025-03-30T01:20:00Z"),
    Firings(
      "0 * * * *", "America/New_York", after: "2025-03-09T05:30:00Z", "2025-03-09T06:00:00Z", "2025-03-09T07:00:00Z",
      "2025-03-09T08:00:00Z"),
    // A time that comes twice: the first.
    Firings("30 2 * * *", "Europe/Berlin", after: "2025-10-25T12:00:00Z", "2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"),
    Firings("30 1 * * *", "America/New_York", after: "2025-11-01T12:00:00Z", "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z"),
    Firings("30 2 * * *", "Europe/Berlin", after: "2025-10-26T00:45:00Z", "2025-10-27T01:30:00Z"),
    Firings(
      "0,30 2 * * *", "Europe/Berlin", after: "2025-10-25T12:00:00Z", "2025-10-26T00:00:00Z", "2025-10-26T00:30:00Z",
      "2025-10-27T01:00:00Z"),
    Firings("0 2 * * *", "America/New_York", after: "2025-11-01T12:00:00Z", "2025-11-02T07:00:00Z", "2025-11-03T07:00:00Z"),
    // In real time, where every hour is asked for or the minutes have a star.
    Firings(
      "15 * * * *", "Europe/Berlin", after: "2025-10-26T00:00:00Z", "2025-10-26T00:15:00Z", "2025-10-26T01:15:00Z",
      "2025-10-26T02:15:00Z"),
    Firings(
      "*/30 2 * * *", "Europe/Berlin", after: "2025-10-25T12:00:00Z", "2025-10-26T00:00:00Z", "2025-10-26T00:30:00Z",
      "2025-10-26T01:00:00Z", "2025-10-26T01:30:00Z", "2025-10-27T01:00:00Z"),
    Firings(
      "0 * * * *", "America/New_York", after: "2025-11-02T04:30:00Z", "2025-11-02T05:00:00Z", "2025-11-02T06:00:00Z",
      "2025-11-02T07:00:00Z"),
    Firings(
      "*/20 1 * * *", "America/New_York", after: "2025-11-02T05:30:00Z", "2025-11-02T05:40:00Z", "2025-11-02T06:00:00Z",
      "2025-11-02T06:20:00Z", "2025-11-02T06:40:00Z", "2025-11-03T06:00:00Z"),
    // Gaps and overlaps at midnight: São Paulo, 4 November and 17 February 2018.
    Firings("0 0 * * *", "America/Sao_Paulo", after: "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
    Firings("30 23 * * *", "America/Sao_Paulo", after: "2018-02-17T12:00:00Z", "2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"),
    Firings(
      "*/30 23 * * *", "America/Sao_Paulo", after: "2018-02-17T12:00:00Z", "2018-02-18T01:00:00Z", "2018-02-18T01:30:00Z",
      "2018-02-18T02:00:00Z", "2018-02-18T02:30:00Z", "2018-02-19T02:00:00Z"),
    // From 00:01 back to 23:01 of the day before, so that two days take turns: St John's, 29 October 2006 at 02:31 UTC.
    Firings("0 0 29 10 *", "America/St_Johns", after: "2006-10-28T12:00:00Z", "2006-10-29T02:30:00Z", "2007-10-29T02:30:00Z"),
    Firings(
      "*/30 * 28,29 10 *", "America/St_Johns", after: "2006-10-29T02:15:00Z", "2006-10-29T02:30:00Z", "2006-10-29T03:00:00Z",
      "2006-10-29T03:30:00Z", "2006-10-29T04:00:00Z"),
    // Half an hour left out, and a whole day: 30 December 2011 never came to Samoa.
    Firings("15 2 * * *", "Australia/Lord_Howe", after: "2025-10-04T12:00:00Z", "2025-10-04T15:30:00Z", "2025-10-05T15:15:00Z"),
    Firings(
      "0 9 * * *", "Pacific/Apia", after: "2011-12-28T20:00:00Z", "2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z",
      "2011-12-30T19:00:00Z"),
  ]

  @Test(arguments: clockChanges) func `where clocks change, each time fires once, and what is continuous goes on`(
    _ case: Firings
  ) throws {
    let schedule = try CronSchedule(`case`.expression, in: try #require(Zone(`case`.zone)))
    let expected = try `case`.next.map { try Instant(rfc3339: $0) }
    #expect(schedule.firings(after: try Instant(rfc3339: `case`.after), count: expected.count) == expected)
  }

  @Test(arguments: [
    ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"), ("@Daily", "0 0 * * *"), (" 5\t4  * * * ", "5 4 * * *"), ("0 0 * JAN Mon", "0 0 * 1 1"),
    ("0 0 * jan-mar,Dec *", "0 0 * 1,2,3,12 *"), ("0 0 * * 7", "0 0 * * 0"), ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
    ("0 0 * * 5-7", "0 0 * * 0,5,6"), ("0 0 * * sun-tue", "0 0 * * 0-2"), ("08 09 * * *", "8 9 * * *"),
    ("1-10/4 * * * *", "1,5,9 * * * *"), ("*/40 * * * *", "0,40 * * * *"), ("0 0 */100 * *", "0 0 1 * *"),
    ("3,3,1-4 * * * *", "1-4 * * * *"), ("0 0 * * */2", "0 0 * * 0,2,4,6"), ("0 0 5-5 * *", "0 0 5 * *"),
    ("0 0 * * sun-sun", "0 0 * * 0"), ("0 0 10 * 0-6", "0 0 * * *"), ("0 0 10 * *", "0 0 10,10 * *"),
    ("0 0 1 */5 *", "0 0 1 1,6,11 *"),
  ])
  func `two ways to write a schedule fire alike`(_ one: String, _ other: String) throws {
    let after = try Instant(rfc3339: "2024-01-01T00:00:00Z")
    let firings = try CronSchedule(one).firings(after: after, count: 40)
    #expect(firings.count == 40)
    #expect(try CronSchedule(other).firings(after: after, count: 40) == firings)
  }

  @Test(
    arguments: [
      ("", nil, "this has 0"), ("* * * *", nil, "this has 4"), ("0 * * * * *", nil, "this has 6"), ("@reboot", nil, "@yearly"),
      ("@daily *", nil, "not @daily *"), ("@", nil, "@hourly"),
      (String(repeating: "*", count: 2000), nil, "at most 1024 bytes"),
      ("60 * * * *", "minute", "from 0 to 59, not 60"), ("-1 * * * *", "minute", "not empty"), ("x * * * *", "minute", "not x"),
      ("+5 * * * *", "minute", "not +5"), ("5.5 * * * *", "minute", "not 5.5"), ("٥ * * * *", "minute", "not ٥"),
      ("99999999999999999999 * * * *", "minute", "not 9999"), ("* 24 * * *", "hour", "from 0 to 23, not 24"),
      ("* 5-1 * * *", "hour", "goes down, 5-1"), ("* 1,,2 * * *", "hour", "not empty"), ("* 1, * * *", "hour", "not empty"),
      ("* * 0 * *", "day of month", "from 1 to 31, not 0"), ("* * 32 * *", "day of month", "not 32"),
      ("* * ? * *", "day of month", "not ?"), ("* * L * *", "day of month", "not l"), ("* * * 13 *", "month", "not 13"),
      ("* * * 0 *", "month", "not 0"), ("* * * foo *", "month", "jan to dec, not foo"), ("* * * mon *", "month", "not mon"),
      ("* * * january *", "month", "not january"), ("* * * * 8", "day of week", "from 0 to 7, not 8"),
      ("* * * * xyz", "day of week", "sun to sat, not xyz"), ("* * * * 6-0", "day of week", "goes down, 6-0"),
      ("* * * * 5#3", "day of week", "not 5#3"), ("*/0 * * * *", "minute", "no positive number in */0"),
      ("*/x * * * *", "minute", "no positive number"), ("*/ * * * *", "minute", "no positive number"),
      ("*/-5 * * * *", "minute", "no positive number"), ("*/5/5 * * * *", "minute", "no positive number"),
      ("5/15 * * * *", "minute", "write 5-59/15"), ("0 0 * * mon/2", "day of week", "write mon-6/2"),
      ("** * * * *", "minute", "not **"), ("*-5 * * * *", "minute", "not *"), ("1-2-3 * * * *", "minute", "not 2-3"),
    ] as [(String, String?, String)])
  func `what is no schedule is refused with its field and what to write`(
    _ text: String, _ field: String?, _ problem: String
  ) throws {
    let error = #expect(throws: CronScheduleError.self) { try CronSchedule(text) }
    #expect(error?.field == field)
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
  }

  @Test func `a firing lies after the instant that is asked about, however little`() throws {
    let schedule = try CronSchedule("0 12 * * *")
    let noon = try Instant(rfc3339: "2024-05-01T12:00:00Z")
    #expect(schedule.next(after: noon.adding(microseconds: -1)) == noon)
    #expect(schedule.next(after: noon) == noon.adding(microseconds: 86_400_000_000))
    #expect(schedule.next(after: noon.next) == noon.adding(microseconds: 86_400_000_000))
    #expect(
      schedule.next(after: try Instant(rfc3339: "1969-12-30T12:00:00.000001Z"))?.description.hasPrefix("1969-12-31T12") == true)
    #expect(schedule.next(after: .earliest)?.description == "0001-01-01T12:00:00.000000Z")
  }

  @Test(arguments: ["0 0 30 2 *", "0 0 31 4 *", "0 0 31 2,4,6,9,11 *"])
  func `a schedule that never fires answers nothing`(_ expression: String) throws {
    #expect(try CronSchedule(expression).next(after: try Instant(rfc3339: "2024-01-01T00:00:00Z")) == nil)
  }

  @Test func `the rarest day is found, and nothing after the last instant`() throws {
    let leap = try CronSchedule("0 0 29 2 *")
    #expect(leap.next(after: try Instant(rfc3339: "2096-02-29T00:00:00Z")) == (try Instant(rfc3339: "2104-02-29T00:00:00Z")))
    let minute = try CronSchedule("* * * * *", in: try #require(Zone("Asia/Kolkata")))
    #expect(minute.next(after: try Instant(rfc3339: "9999-12-31T23:58:30Z")) == (try Instant(rfc3339: "9999-12-31T23:59:00Z")))
    #expect(minute.next(after: .latest) == nil)
  }

  @Test func `a schedule is its expression and its zone`() throws {
    let schedule = try CronSchedule("*/5 * * * *", in: try #require(Zone("Europe/Berlin")))
    #expect(schedule.description == "*/5 * * * * Europe/Berlin")
    #expect(schedule.expression == "*/5 * * * *")
  }
}
