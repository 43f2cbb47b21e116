import Cryptography
import Governance
public import JSON
public import Temporal

/// What a report was asked: everything that its bytes follow from.
public struct ReportQuestion: Hashable, Sendable {
  /// A sample that can be drawn again.
  public struct Sample: Hashable, Sendable {
    /// The most rows of a sample: auditors draw some dozens, and they are held in memory.
    public static let mostRows = 10_000
    /// Bytes of a seed.
    public static let seedBytes = 128

    /// How many rows.
    public var size: Int
    /// What the rows are drawn by: the same seed, the same rows.
    public var seed: String

    /// A sample.
    public init(size: Int, seed: String) {
      self.size = size
      self.seed = seed
    }

    /// The rank of a row; those of the lowest rank are drawn.
    func rank(of row: Int) -> Digest { SHA256.digest(of: [Array(seed.utf8), [0], Array(String(row).utf8)]) }
  }

  /// The report's name.
  public var report: String
  /// The moment, or the end of the stretch as far as it has come.
  public var at: Instant
  /// The stretch; nil for a report about a moment.
  public var during: Interval?
  /// The last position that is known.
  public var asKnownAt: Int64
  /// The report's own parameters.
  public var parameters: [String: String]
  /// The sample; nil for all rows.
  public var sample: Sample?
}

extension ReportQuestion {
  func write(to writer: inout JSONWriter) {
    writer.member("report", report)
    writer.member("at", at)
    if let during {
      writer.member("from", during.from)
      writer.member("to", during.to)
    }
    writer.member("as_known_at", asKnownAt)
    writer.key("parameters")
    writer.beginObject()
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
    writer.endObject()
    writer.key("sample")
    if let sample {
      writer.beginObject()
      writer.member("size", Int64(sample.size))
      writer.member("seed", sample.seed)
      writer.endObject()
    } else {
      writer.null()
    }
  }

  /// Reads what ``write(to:)`` wrote.
  init(_ reader: inout FieldReader) throws(JSONFieldError) {
    let name = try reader.string("report", maximumBytes: Limits.identifierBytes)
    guard let report = AuditReport.named(name) else { throw reader.error("report", "is not a report of this version") }
    self.report = name
    at = try reader.instant("at")
    during = nil
    if report.time == .stretch {
      guard let stretch = Interval(exactly: try reader.instant("from"), to: try reader.optionalInstant("to")) else {
        throw reader.error("to", "must be later than from")
      }
      during = stretch
    }
    asKnownAt = try reader.integer("as_known_at")
    parameters = [:]
    if let value = reader.optionalValue("parameters") {
      guard let object = value.objectValue else { throw reader.error("parameters", "must be an object") }
      for member in object {
        guard let text = member.value.stringValue else { throw reader.error("parameters", "must have texts as its values") }
        parameters[member.name] = text
      }
    }
    sample = nil
    if let value = reader.optionalValue("sample"), value != .null {
      var reader = try FieldReader(value, at: reader.pointer(to: "sample"))
      let size = try reader.integer("size")
      guard (1...Int64(Sample.mostRows)).contains(size) else { throw reader.error("size", "must be 1 to \(Sample.mostRows)") }
      sample = Sample(size: Int(size), seed: try reader.string("seed", maximumBytes: Sample.seedBytes))
      try reader.finish()
    }
    try report.check(parameters: parameters)
  }
}

extension AuditReport {
  /// Refuses parameters that are missing, that it does not know, or whose values make no sense.
  public func check(parameters given: [String: String]) throws(JSONFieldError) {
    for parameter in parameters {
      guard let value = given[parameter.name] else {
        if parameter.isRequired { throw JSONFieldError(pointer: "/" + parameter.name, problem: "is missing") }
        continue
      }
      if let problem = parameter.problem(value) { throw JSONFieldError(pointer: "/" + parameter.name, problem: problem) }
    }
    if let unknown = given.keys.sorted().first(where: { name in !parameters.contains { $0.name == name } }) {
      throw JSONFieldError(pointer: "/" + unknown, problem: "is not a parameter of \(name)")
    }
  }
}
