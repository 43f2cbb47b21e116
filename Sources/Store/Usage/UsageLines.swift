import Governance
public import JSON
import Temporal

/// Why a line of NDJSON is no record of usage.
public struct UsageLineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line, counted from 1.
  public var line: Int
  /// The field as a JSON pointer; empty for the line as a whole.
  public var pointer: String
  /// The rest of a sentence that begins with the field.
  public var problem: String

  /// The line, the field and the problem.
  public var description: String { "line \(line): \(pointer.isEmpty ? "the record" : pointer) \(problem)" }
}

/// Records of usage as NDJSON: an object on each line, empty lines left out.
public enum UsageLines {
  /// Bytes of one line: all fields at their longest.
  public static let lineBytes = 16_384

  /// Reads records.
  ///
  /// - Parameter firstLine: the number of the first line, for errors. The default is 1.
  public static func read(_ bytes: [UInt8], firstLine: Int = 1) throws(UsageLineError) -> [UsageRecord] {
    var records: [UsageRecord] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }) { continue }
      records.append(try record(Array(line), line: firstLine + index))
    }
    return records
  }

  /// Reads one line.
  public static func record(_ line: [UInt8], line number: Int) throws(UsageLineError) -> UsageRecord {
    guard line.count <= lineBytes else {
      throw UsageLineError(line: number, pointer: "", problem: "is longer than \(lineBytes) bytes")
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: line) } catch {
      throw UsageLineError(line: number, pointer: error.pointer, problem: "is not JSON: \(error.reason)")
    }
    do { return try UsageRecord(value) } catch {
      throw UsageLineError(line: number, pointer: error.pointer, problem: error.problem)
    }
  }
}

extension UsageRecord {
  /// Reads a record; unknown fields are refused.
  ///
  /// Where only `source_action` is given, the action is what ``ActionNames`` makes of it.
  public init(_ value: JSONValue) throws(JSONFieldError) {
    var fields = try FieldReader(value)
    let sourceAction = try fields.optionalString("source_action", maximumBytes: UsageLimits.actionBytes)
    let action = try fields.optionalString("action", maximumBytes: UsageLimits.actionBytes)
    guard let name = action ?? sourceAction.map(ActionNames.permission) else {
      throw fields.error("action", "is missing, and so is source_action")
    }
    self.init(
      id: try fields.string("id", maximumBytes: Limits.identifierBytes), at: try fields.instant("at"),
      identity: try fields.string("identity", maximumBytes: Limits.identifierBytes), action: name, sourceAction: sourceAction,
      resource: try fields.optionalString("resource", maximumBytes: UsageLimits.resourceBytes),
      session: try fields.optionalString("session", maximumBytes: Limits.identifierBytes),
      credential: try fields.optionalString("credential", maximumBytes: Limits.identifierBytes),
      address: try fields.optionalString("address", maximumBytes: UsageLimits.addressBytes),
      agent: try fields.optionalString("agent", maximumBytes: UsageLimits.agentBytes),
      errorCode: try fields.optionalString("error_code", maximumBytes: UsageLimits.errorCodeBytes))
    if let text = try fields.optionalString("outcome") {
      guard let outcome = UsageOutcome(rawValue: text) else {
        throw fields.error("outcome", "must be \(UsageOutcome.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      self.outcome = outcome
    }
    try fields.finish()
    do { try validate() } catch { throw fields.error(error.field, error.problem) }
  }

  /// The record as it is read; what is not known is left out.
  public var json: JSONObject {
    var object: JSONObject = [
      "id": .string(id), "at": .string(at.description), "identity": .string(identity), "action": .string(action),
      "outcome": .string(outcome.rawValue),
    ]
    let others = [
      ("source_action", sourceAction), ("resource", resource), ("session", session), ("credential", credential),
      ("address", address), ("agent", agent), ("error_code", errorCode),
    ]
    for (name, text) in others { if let text { object[name] = .string(text) } }
    return object
  }
}

/// Records gathered until they are a batch: of as many as one transaction takes, and of as many days.
public struct UsageGathering: Sendable {
  private var records: [UsageRecord] = []
  private var days: Set<UsageDay> = []

  /// Nothing yet.
  public init() {}

  /// Adds a record.
  ///
  /// - Returns: the batch that was full without it; nil where there is room.
  public mutating func add(_ record: UsageRecord) -> [UsageRecord]? {
    let day = UsageDay(of: record.at)
    let isFull =
      records.count == UsageLimits.recordsPerBatch || (days.count == UsageLimits.daysPerBatch && !days.contains(day))
    let full = isFull ? take() : nil
    records.append(record)
    days.insert(day)
    return full
  }

  /// Takes what was gathered.
  public mutating func take() -> [UsageRecord] {
    defer { (records, days) = ([], []) }
    return records
  }
}
