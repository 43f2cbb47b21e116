/// Why a text is not a cron expression.
public struct CronScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The field concerned, such as `hour`; nil where it is the expression as a whole.
  public let field: String?
  /// What is wrong with it and what to write instead.
  public let problem: String

  /// Field and problem in one line.
  public var description: String { "\(field ?? "a cron expression") \(problem)" }
}

/// The five fields of a cron expression, read from its text.
struct CronExpression: Hashable, Sendable {
  let minutes: CronField
  let hours: CronField
  let daysOfMonth: CronField
  let months: CronField
  let daysOfWeek: CronField

  /// Bytes of an expression: five fields that list every value stay below it, and hostile input is not taken apart.
  static let maximumBytes = 1_024

  private static let macros = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
  ]

  init(_ text: String) throws(CronScheduleError) {
    guard text.utf8.count <= Self.maximumBytes else {
      throw CronScheduleError(field: nil, problem: "must be at most \(Self.maximumBytes) bytes")
    }
    var fields = text.split { $0 == " " || $0 == "\t" }.map { $0.lowercased() }
    if let macro = fields.first, macro.hasPrefix("@") {
      guard fields.count == 1, let expanded = Self.macros[macro] else {
        throw CronScheduleError(field: nil, problem: "may be \(Self.macros.keys.sorted().joined(separator: ", ")), not \(text)")
      }
      fields = expanded.split(separator: " ").map(String.init)
    }
    guard fields.count == 5 else {
      throw CronScheduleError(
        field: nil, problem: "has five fields, minute hour day-of-month month day-of-week, and this has \(fields.count)")
    }
    minutes = try CronField(fields[0], .minute)
    hours = try CronField(fields[1], .hour)
    daysOfMonth = try CronField(fields[2], .dayOfMonth)
    months = try CronField(fields[3], .month)
    daysOfWeek = try CronField(fields[4], .dayOfWeek)
  }

  /// Whether a day is one of its days: in its months, and by the day of the month, that of the week, or both.
  ///
  /// - Parameter weekday: 0 for Sunday to 6 for Saturday.
  func contains(_ date: CivilDate, weekday: Int) -> Bool {
    guard months.contains(date.month) else { return false }
    let (byMonth, byWeek) = (daysOfMonth.contains(date.day), daysOfWeek.contains(weekday))
    let isEither = daysOfMonth.isRestricted && daysOfWeek.isRestricted
    return isEither ? byMonth || byWeek : byMonth && byWeek
  }
}

/// The values of one field.
struct CronField: Hashable, Sendable {
  /// What a field counts, and what may stand in it.
  struct Kind {
    let name: String
    let range: ClosedRange<Int>
    /// Names that stand for numbers, the first for the lowest.
    var names: [String] = []

    static let minute = Kind(name: "minute", range: 0...59)
    static let hour = Kind(name: "hour", range: 0...23)
    static let dayOfMonth = Kind(name: "day of month", range: 1...31)
    static let month = Kind(
      name: "month", range: 1...12,
      names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
    /// Sunday is 0, and may be written 7.
    static let dayOfWeek = Kind(name: "day of week", range: 0...6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
  }

  /// Bit n is set where n is one of them.
  private var bits: UInt64 = 0
  /// Whether every value is.
  let isEvery: Bool
  /// Whether the field was written as anything but `*`, though it might leave nothing out.
  let isRestricted: Bool
  /// Whether the field was written with a `*`, with a step or without.
  let isWildcard: Bool

  /// Sunday as the last day of a week that begins on Monday.
  private static let lateSunday = 7

  func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

  /// Reads a list of `*`, numbers, names and ranges, the first and last of these perhaps with a step.
  ///
  /// - Parameter text: in lower case.
  init(_ text: String, _ kind: Kind) throws(CronScheduleError) {
    var bits: UInt64 = 0
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      for value in try Self.values(of: item, kind) { bits |= 1 << UInt64(value) }
    }
    if kind.name == Kind.dayOfWeek.name, bits & (1 << UInt64(Self.lateSunday)) != 0 {
      bits = (bits | 1) & ~(1 << UInt64(Self.lateSunday))
    }
    self.bits = bits
    isEvery = bits.nonzeroBitCount == kind.range.count
    isRestricted = text != "*"
    isWildcard = text.contains("*")
  }

  private static func values(of item: Substring, _ kind: Kind) throws(CronScheduleError) -> StrideThrough<Int> {
    let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let range = try range(of: parts[0], kind)
    guard parts.count == 2 else { return stride(from: range.lowerBound, through: range.upperBound, by: 1) }
    guard parts[0] == "*" || parts[0].contains("-") else {
      // Some programs read 5/15 as 5-59/15, others as 5, others refuse it: whoever writes it should say which.
      throw kind.error("has a step after a single value in \(item): write \(parts[0])-\(kind.range.upperBound)/\(parts[1])")
    }
    guard let step = number(parts[1]), step > 0 else { throw kind.error("has a step that is no positive number in \(item)") }
    return stride(from: range.lowerBound, through: range.upperBound, by: step)
  }

  private static func range(of text: Substring, _ kind: Kind) throws(CronScheduleError) -> ClosedRange<Int> {
    if text == "*" { return kind.range }
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let first = try value(of: ends[0], kind)
    guard ends.count == 2 else { return first...first }
    var last = try value(of: ends[1], kind)
    // `fri-sun` goes up to the Sunday at the end of the week.
    if ends[1] == "sun", first > last { last = lateSunday }
    guard first <= last else { throw kind.error("has a range that goes down, \(text): write two ranges") }
    return first...last
  }

  private static func value(of text: Substring, _ kind: Kind) throws(CronScheduleError) -> Int {
    if let index = kind.names.firstIndex(where: { $0 == text }) { return kind.range.lowerBound + index }
    let highest = kind.name == Kind.dayOfWeek.name ? lateSunday : kind.range.upperBound
    guard let value = number(text) else {
      let names = kind.names.isEmpty ? "" : ", or \(kind.names[0]) to \(kind.names[kind.names.count - 1])"
      let found = text.isEmpty ? "empty" : text
      throw kind.error("must be *, or numbers from \(kind.range.lowerBound) to \(highest)\(names), not \(found)")
    }
    guard (kind.range.lowerBound...highest).contains(value) else {
      throw kind.error("must be from \(kind.range.lowerBound) to \(highest), not \(text)")
    }
    return value
  }

  /// A number of a few ASCII digits; nil for anything else, a sign too.
  private static func number(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }
}

extension CronField.Kind {
  fileprivate func error(_ problem: String) -> CronScheduleError { CronScheduleError(field: name, problem: problem) }
}
