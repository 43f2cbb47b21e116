import Temporal
import Testing

@Suite struct InstantTests {
  static let accepted: [(text: String, utc: String)] = [
    ("2024-05-01T00:00:00Z", "2024-05-01T00:00:00.000000Z"),
    ("2024-05-01t09:30:15.5z", "2024-05-01T09:30:15.500000Z"),
    ("2024-05-01T09:30:15.123456-00:00", "2024-05-01T09:30:15.123456Z"),
    ("2024-05-01T00:30:00+02:00", "2024-04-30T22:30:00.000000Z"),
    ("2024-02-28T23:30:00-01:00", "2024-02-29T00:30:00.000000Z"),
    ("2024-12-31T12:00:00-23:59", "2025-01-01T11:59:00.000000Z"),
    ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"),
    ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
  ]

  @Test(arguments: accepted) func `an RFC 3339 instant is read and written in UTC`(text: String, utc: String) throws {
    let instant = try Instant(rfc3339: text)
    #expect(instant.description == utc)
    #expect(try Instant(rfc3339: utc) == instant)
    #expect(utc.utf8.count == Instant.textLength)
  }

  static let refused: [(text: String, reason: InstantError)] = [
    ("", .malformed), ("2024", .malformed), ("2024-05-01", .malformed), ("2024-05-01 00:00:00Z", .malformed),
    ("2024-5-1T00:00:00Z", .malformed), ("2024-05-01T0:00:00Z", .malformed), ("2024-05-01T00:00:00.Z", .malformed),
    ("2024-05-01T00:00:00Zx", .malformed), ("2024-05-01T00:00:00+0200", .malformed), ("+2024-05-01T00:00:00Z", .malformed),
    ("2024-05-01T00:00:00+02", .malformed), ("２０２４-05-01T00:00:00Z", .malformed), ("2024-05-01T00:00:00,5Z", .malformed),
    ("2024-05-01T00:00:00", .missingOffset), ("2024-05-01T00:00:00.5", .missingOffset),
    ("2024-05-01T00:00", .missingSeconds), ("2024-05-01T00:00Z", .missingSeconds), ("2024-05-01T00:00+02:00", .missingSeconds),
    ("2016-12-31T23:59:60Z", .leapSecond),
    ("2024-05-01T00:00:00.0000000Z", .tooPrecise), ("2024-05-01T00:00:00.\(String(repeating: "1", count: 99))Z", .tooPrecise),
    ("2023-02-29T00:00:00Z", .noSuchDay), ("1900-02-29T00:00:00Z", .noSuchDay), ("2024-04-31T00:00:00Z", .noSuchDay),
    ("2024-13-01T00:00:00Z", .noSuchDay), ("2024-00-01T00:00:00Z", .noSuchDay), ("2024-01-00T00:00:00Z", .noSuchDay),
    ("2024-05-01T24:00:00Z", .noSuchTime), ("2024-05-01T00:60:00Z", .noSuchTime), ("2024-05-01T00:00:61Z", .noSuchTime),
    ("2024-05-01T00:00:00+24:00", .noSuchTime), ("2024-05-01T00:00:00+00:60", .noSuchTime),
    ("0000-12-31T23:30:00-01:00", .outOfRange), ("0001-01-01T00:00:00+00:01", .outOfRange),
    ("9999-12-31T23:59:59-00:01", .outOfRange),
  ]

  @Test(arguments: refused) func `what would have to be guessed or rounded is refused`(text: String, reason: InstantError) {
    #expect(throws: reason) { try Instant(rfc3339: text) }
  }

  @Test func `a bare date is midnight UTC and its end is the next midnight`() throws {
    #expect(try Instant(dateOrRFC3339: "2024-02-28", endOfDay: false).description == "2024-02-28T00:00:00.000000Z")
    #expect(try Instant(dateOrRFC3339: "2024-02-28", endOfDay: true).description == "2024-02-29T00:00:00.000000Z")
    #expect(try Instant(dateOrRFC3339: "2023-12-31", endOfDay: true).description == "2024-01-01T00:00:00.000000Z")
    let instant = "2024-05-01T09:30:00Z"
    #expect(try Instant(dateOrRFC3339: instant, endOfDay: true) == Instant(rfc3339: instant))
    #expect(throws: InstantError.outOfRange) { try Instant(dateOrRFC3339: "9999-12-31", endOfDay: true) }
    #expect(throws: InstantError.noSuchDay) { try Instant(dateOrRFC3339: "2023-02-29", endOfDay: false) }
  }

  @Test func `every day of 800 years follows the day before it, with 97 leap years in 400`() throws {
    var day = try Instant(rfc3339: "1600-01-01T00:00:00Z")
    let end = try Instant(rfc3339: "2400-01-01T00:00:00Z")
    var (days, leapDays) = (0, 0)
    while day < end {
      let text = day.description
      let matches = try Instant(rfc3339: text) == day && text.hasSuffix("T00:00:00.000000Z")
      try #require(matches, "\(text)")
      if text.dropFirst(4).hasPrefix("-02-29") { leapDays += 1 }
      days += 1
      day = day.adding(microseconds: 86_400_000_000)
    }
    #expect(days == 2 * 146_097)
    #expect(leapDays == 2 * 97)
  }

  @Test func `known moments have the known number of microseconds`() throws {
    #expect(try Instant(rfc3339: "1970-01-01T00:00:00Z").microseconds == 0)
    #expect(try Instant(rfc3339: "2001-09-09T01:46:40Z").microseconds == 1_000_000_000_000_000)
    #expect(try Instant(rfc3339: "0001-01-01T00:00:00Z") == .earliest)
    #expect(try Instant(rfc3339: "9999-12-31T23:59:59.999999Z") == .latest)
  }

  @Test func `arithmetic stops at the first and last instant`() {
    #expect(Instant.latest.next == .latest)
    #expect(Instant(microseconds: 1).next.microseconds == 2)
    #expect(Instant(microseconds: 5).adding(microseconds: .max) == .latest)
    #expect(Instant(microseconds: -5).adding(microseconds: .min) == .earliest)
    #expect(Instant.earliest.adding(microseconds: -1) == .earliest)
    #expect(Instant.earliest.distance(to: .latest) == 315_537_897_599_999_999)
    #expect(Instant(exactly: Instant.latest.microseconds + 1) == nil)
    #expect(Instant(exactly: Instant.earliest.microseconds - 1) == nil)
  }

  @Test func `bytes are appended to what is there`() {
    var bytes = Array("at ".utf8)
    Instant(microseconds: 0).append(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "at 1970-01-01T00:00:00.000000Z")
  }

  static let lapses: [(microseconds: Int64, text: String)] = [
    (0, "0 s"), (1, "less than 1 s"), (-1, "less than 1 s"), (999_999, "less than 1 s"), (1_000_000, "1 s"),
    (61_000_000, "1 min 1 s"), (3_600_000_000, "1 h"), (3_659_000_000, "1 h"), (3_660_000_000, "1 h 1 min"),
    (86_400_000_000, "1 day"), (529_200_000_000, "6 days 3 h"), (-529_200_000_000, "-6 days 3 h"),
    (86_400_000_000 + 59_000_000, "1 day"), (.min, "-106751991 days 4 h"),
  ]

  @Test(arguments: lapses) func `a lapse is written in its two largest units`(microseconds: Int64, text: String) {
    #expect(Lapse(microseconds: microseconds).description == text)
  }
}
