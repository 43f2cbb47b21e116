import Testing

@testable import Temporal

@Suite struct ZoneTests {
  private struct Reading: CustomTestStringConvertible {
    let zone: String
    let instant: String
    let shown: CivilTime

    /// The wall clock as `year month day hour minute second weekday`.
    init(_ zone: String, _ instant: String, _ shown: [Int]) {
      (self.zone, self.instant) = (zone, instant)
      self.shown = CivilTime(
        year: shown[0], month: shown[1], day: shown[2], hour: shown[3], minute: shown[4], second: shown[5], weekday: shown[6])
    }

    var testDescription: String { "\(zone) at \(instant)" }
  }

  private static let readings = [
    Reading("Europe/Berlin", "2025-07-01T12:00:00Z", [2025, 7, 1, 14, 0, 0, 2]),
    Reading("Europe/Berlin", "2025-01-01T12:00:00Z", [2025, 1, 1, 13, 0, 0, 3]),
    // The last second of winter, the first of summer, and the hour that comes twice.
    Reading("Europe/Berlin", "2025-03-30T00:59:59.999999Z", [2025, 3, 30, 1, 59, 59, 7]),
    Reading("Europe/Berlin", "2025-03-30T01:00:00Z", [2025, 3, 30, 3, 0, 0, 7]),
    Reading("Europe/Berlin", "2025-10-26T00:30:00Z", [2025, 10, 26, 2, 30, 0, 7]),
    Reading("Europe/Berlin", "2025-10-26T01:30:00Z", [2025, 10, 26, 2, 30, 0, 7]),
    // Another day, month and year than in UTC.
    Reading("Europe/Berlin", "2024-12-31T23:30:00Z", [2025, 1, 1, 0, 30, 0, 3]),
    Reading("America/New_York", "2025-01-01T04:59:59Z", [2024, 12, 31, 23, 59, 59, 2]),
    Reading("Asia/Kolkata", "2016-01-03T18:30:00Z", [2016, 1, 4, 0, 0, 0, 1]),
    Reading("UTC", "2024-02-29T23:59:59.999999Z", [2024, 2, 29, 23, 59, 59, 4]),
    // Before 1970, where seconds are negative.
    Reading("UTC", "1969-12-31T23:59:59.999999Z", [1969, 12, 31, 23, 59, 59, 3]),
    Reading("Europe/Berlin", "1969-12-31T22:59:59Z", [1969, 12, 31, 23, 59, 59, 3]),
    Reading("Europe/Berlin", "1950-06-01T12:00:00Z", [1950, 6, 1, 13, 0, 0, 4]),
    Reading("UTC", "0001-01-01T00:00:00Z", [1, 1, 1, 0, 0, 0, 1]),
    Reading("UTC", "9999-12-31T23:59:59Z", [9999, 12, 31, 23, 59, 59, 5]),
  ]

  @Test(arguments: readings) private func `an instant is read on the zone's clocks and calendar`(_ reading: Reading) throws {
    let zone = try #require(Zone(reading.zone))
    #expect(zone.civilTime(at: try Instant(rfc3339: reading.instant)) == reading.shown)
  }

  @Test func `the offset is that of the instant, not of today`() throws {
    let berlin = try #require(Zone("Europe/Berlin"))
    #expect(berlin.offsetSeconds(at: try Instant(rfc3339: "2025-07-01T00:00:00Z")) == 7200)
    #expect(berlin.offsetSeconds(at: try Instant(rfc3339: "2025-12-01T00:00:00Z")) == 3600)
    #expect(Zone.utc.offsetSeconds(at: .earliest) == 0)
    #expect(Zone.utc.offsetSeconds(at: .latest) == 0)
    // Before there were zones each town had its own time: the first offset known holds for all of the past.
    #expect(berlin.offsetSeconds(at: .earliest) == berlin.offsetSeconds(at: try Instant(rfc3339: "1850-01-01T00:00:00Z")))
  }

  @Test(arguments: [
    "CET", "CEST", "EST", "EST5EDT", "PST", "GMT", "Z", "utc", "", " ", "Berlin", "Europe/Atlantis", "europe/berlin", "GMT+2",
    "+02:00", "UTC+1", "Europe/Berlin ", "/", "../etc/passwd",
  ])
  func `what the database has not, and abbreviations, are no zones`(_ name: String) {
    #expect(Zone(name) == nil)
  }

  @Test func `a zone is the one of its name`() {
    #expect(Zone("Europe/Berlin")?.name == "Europe/Berlin")
    #expect(Zone("UTC") == .utc)
    #expect(Zone("Europe/Berlin") != Zone("Europe/Paris"))
  }
}
