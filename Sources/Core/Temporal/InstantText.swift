/// Why a text is not an instant.
///
/// The description is the rest of a sentence that begins with the name of the field.
public enum InstantError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text does not have the shape of RFC 3339.
  case malformed
  /// The text ends before the offset; a local time names no instant.
  case missingOffset
  /// The text has hours and minutes but no seconds.
  case missingSeconds
  /// The second is 60; this time line has no leap seconds.
  case leapSecond
  /// The fraction has more than six digits; the rest would be lost.
  case tooPrecise
  /// The calendar has no such month or day.
  case noSuchDay
  /// The clock has no such hour, minute, second or offset.
  case noSuchTime
  /// The instant lies outside the years 1 to 9999.
  case outOfRange

  /// The rest of a sentence that begins with the name of the field.
  public var description: String {
    switch self {
    case .malformed: "must be an RFC 3339 instant such as 2024-05-01T00:00:00Z"
    case .missingOffset: "needs an offset from UTC, such as Z or +02:00"
    case .missingSeconds: "needs seconds, such as 2024-05-01T09:30:00Z"
    case .leapSecond: "must not have second 60; leap seconds are not counted"
    case .tooPrecise: "must not have more than six fractional digits"
    case .noSuchDay: "names a day that the calendar does not have"
    case .noSuchTime: "names a time or offset that the clock does not have"
    case .outOfRange: "must lie in the years 1 to 9999"
    }
  }
}

extension Instant {
  /// Reads an instant as RFC 3339 defines it, with any offset.
  ///
  /// A lower-case `t` or `z` and the offset `-00:00` are accepted. A missing offset, missing seconds, second 60 and more than
  /// six fractional digits are refused, since each would have to be guessed or rounded.
  public init(rfc3339 text: some StringProtocol) throws(InstantError) {
    var cursor = TextCursor(text)
    let date = try cursor.date()
    let time = try cursor.time()
    guard cursor.isAtEnd else { throw .malformed }
    try self.init(days: date.daysSinceEpoch, microsecondOfDay: time)
  }

  /// Reads an instant, or a bare date `YYYY-MM-DD` as midnight UTC.
  ///
  /// - Parameters:
  ///   - text: an RFC 3339 instant or date.
  ///   - endOfDay: whether a bare date means its end, which is midnight of the following day because intervals are half-open.
  public init(dateOrRFC3339 text: some StringProtocol, endOfDay: Bool) throws(InstantError) {
    var cursor = TextCursor(text)
    let date = try cursor.date()
    guard cursor.isAtEnd else {
      try self.init(rfc3339: text)
      return
    }
    try self.init(days: date.daysSinceEpoch + (endOfDay ? 1 : 0), microsecondOfDay: 0)
  }

  private init(days: Int, microsecondOfDay: Int64) throws(InstantError) {
    // The years are four digits, so this cannot overflow.
    guard let instant = Instant(exactly: Int64(days) * Self.microsecondsPerDay + microsecondOfDay) else {
      throw .outOfRange
    }
    self = instant
  }

  static let microsecondsPerDay: Int64 = 86_400_000_000

  /// The instant in UTC with six fractional digits, such as `2024-05-01T00:00:00.000000Z`.
  public var description: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.textLength)
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The number of bytes that ``append(to:)`` writes.
  public static let textLength = 27

  /// Appends ``description`` as ASCII bytes, without making a string; none of them needs escaping in JSON.
  public func append(to bytes: inout [UInt8]) {
    var days = microseconds / Self.microsecondsPerDay
    var rest = microseconds % Self.microsecondsPerDay
    if rest < 0 {
      days -= 1
      rest += Self.microsecondsPerDay
    }
    let date = CivilDate(daysSinceEpoch: Int(days))
    let (seconds, fraction) = Int(rest).quotientAndRemainder(dividingBy: 1_000_000)
    bytes.append(twoDigits: date.year / 100)
    bytes.append(twoDigits: date.year % 100)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(twoDigits: date.month)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(twoDigits: date.day)
    bytes.append(UInt8(ascii: "T"))
    bytes.append(twoDigits: seconds / 3600)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(twoDigits: seconds / 60 % 60)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(twoDigits: seconds % 60)
    bytes.append(UInt8(ascii: "."))
    bytes.append(twoDigits: fraction / 10_000)
    bytes.append(twoDigits: fraction / 100 % 100)
    bytes.append(twoDigits: fraction % 100)
    bytes.append(UInt8(ascii: "Z"))
  }
}

extension [UInt8] {
  /// Appends a number below 100; by constant divisors, since every answer and event has several instants.
  fileprivate mutating func append(twoDigits number: Int) {
    append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
    append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
  }
}

/// The place reached in a text that should be a date or an instant.
private struct TextCursor {
  private let bytes: [UInt8]
  private var index = 0

  /// One byte more than the longest accepted text, `2024-05-01T00:00:00.000000+00:00`, so that hostile input is not copied.
  private static let longestUsefulPrefix = 33

  init(_ text: some StringProtocol) {
    bytes = Array(text.utf8.prefix(Self.longestUsefulPrefix))
  }

  var isAtEnd: Bool { index == bytes.count }

  mutating func date() throws(InstantError) -> CivilDate {
    let year = try number(width: 4)
    try expect("-")
    let month = try number(width: 2)
    try expect("-")
    let day = try number(width: 2)
    guard year >= 1 else { throw .outOfRange }
    guard let date = CivilDate(year: year, month: month, day: day) else { throw .noSuchDay }
    return date
  }

  /// Reads `T` to the offset; the answer is microseconds after midnight UTC of the same date, possibly negative.
  mutating func time() throws(InstantError) -> Int64 {
    guard accept("T") || accept("t") else { throw .malformed }
    let hour = try number(width: 2)
    try expect(":")
    let minute = try number(width: 2)
    guard accept(":") else { throw isAtEnd || isAtOffset ? .missingSeconds : .malformed }
    let second = try number(width: 2)
    guard hour < 24, minute < 60, second <= 60 else { throw .noSuchTime }
    guard second < 60 else { throw .leapSecond }
    let fraction = try self.fraction()
    let offset = try offsetInSeconds()
    return Int64(hour * 3600 + minute * 60 + second - offset) * 1_000_000 + fraction
  }

  private var isAtOffset: Bool {
    index < bytes.count && [UInt8(ascii: "Z"), UInt8(ascii: "z"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[index])
  }

  private mutating func fraction() throws(InstantError) -> Int64 {
    guard accept(".") else { return 0 }
    var digits = 0
    var value: Int64 = 0
    while let digit = acceptDigit() {
      digits += 1
      guard digits <= 6 else { throw .tooPrecise }
      value = value * 10 + Int64(digit)
    }
    guard digits > 0 else { throw .malformed }
    for _ in digits..<6 { value *= 10 }
    return value
  }

  private mutating func offsetInSeconds() throws(InstantError) -> Int {
    if accept("Z") || accept("z") { return 0 }
    if isAtEnd { throw .missingOffset }
    let isEast = accept("+")
    guard isEast || accept("-") else { throw .malformed }
    let hours = try number(width: 2)
    try expect(":")
    let minutes = try number(width: 2)
    guard hours < 24, minutes < 60 else { throw .noSuchTime }
    return (hours * 3600 + minutes * 60) * (isEast ? 1 : -1)
  }

  private mutating func number(width: Int) throws(InstantError) -> Int {
    var value = 0
    for _ in 0..<width {
      guard let digit = acceptDigit() else { throw .malformed }
      value = value * 10 + digit
    }
    return value
  }

  private mutating func acceptDigit() -> Int? {
    guard index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
    defer { index += 1 }
    return Int(bytes[index] - UInt8(ascii: "0"))
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(InstantError) {
    guard accept(character) else { throw .malformed }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }
}
