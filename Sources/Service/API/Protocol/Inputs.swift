import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// What several inputs have in common.
extension FieldReader {
  /// The member `as_known_at`, or another of its kind: a position, or an RFC 3339 instant; absent, the head.
  mutating func asKnownAt(_ name: String = "as_known_at") throws(JSONFieldError) -> AsKnownAt {
    guard let value = optionalValue(name) else { return .head }
    if let position = value.integerValue {
      guard position >= 0 else { throw error(name, "must not be negative") }
      return .position(position)
    }
    guard let text = value.stringValue else { throw error(name, "must be a position or an RFC 3339 instant") }
    do { return try AsKnownAt(text: text) } catch { throw self.error(name, "must be a position or an RFC 3339 instant") }
  }

  /// The members `from` and `to`, of which either may be absent; nil where both are.
  mutating func stretch() throws(JSONFieldError) -> Interval? {
    let (from, to) = (try optionalInstant("from"), try optionalInstant("to"))
    if from == nil, to == nil { return nil }
    guard let stretch = Interval(exactly: from ?? .earliest, to: to) else { throw error("to", "must be later than from") }
    return stretch
  }

  /// The member `limit`: rows of a page.
  mutating func limit(usual: Int = PageSize.usualRows, most: Int = PageSize.mostRows) throws(JSONFieldError) -> Int {
    guard let limit = try optionalInteger("limit") else { return usual }
    guard (1...Int64(most)).contains(limit) else { throw error("limit", "must be 1 to \(most)") }
    return Int(limit)
  }

  /// An action, as itself and not as a pattern.
  mutating func action(_ name: String) throws(JSONFieldError) -> String {
    guard let text = try optionalAction(name) else { throw error(name, "is missing") }
    return text
  }

  /// An action that may be absent.
  mutating func optionalAction(_ name: String) throws(JSONFieldError) -> String? {
    guard let text = try optionalString(name, maximumBytes: Limits.pathBytes) else { return nil }
    if let problem = Limits.problem(pattern: text) { throw error(name, problem) }
    return text
  }

  /// A resource path or `*` that may be absent.
  mutating func optionalPath(_ name: String) throws(JSONFieldError) -> String? {
    guard let text = try optionalString(name, maximumBytes: Limits.pathBytes) else { return nil }
    if let problem = Limits.problem(path: text) { throw error(name, problem) }
    return text
  }
}

/// The view that a paged list is asked from, and the place where the page begins.
struct PagedView: Sendable {
  let question: String
  let at: Instant?
  let asKnownAt: AsKnownAt
  let cursor: Cursor?
  let page: PageSize

  /// Reads `at`, `as_known_at`, `limit` and `cursor`; a cursor fixes the first two.
  init(_ call: Call, _ input: JSONObject, _ reader: inout FieldReader, hasMoment: Bool = true) throws(JSONFieldError) {
    question = Cursor.question(call.request.rawPath, input)
    let at = hasMoment ? try reader.optionalInstant("at") : nil
    let asKnownAt = try reader.asKnownAt()
    cursor = try Cursor.read(&reader, question: question)
    page = PageSize(rows: try reader.limit())
    self.at = cursor?.at ?? at
    self.asKnownAt = cursor.map { .position($0.asKnownAt) } ?? asKnownAt
  }

  /// The row that the page begins with, for lists that are counted through.
  var firstRow: Int { get throws { Int(try place { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } } ?? 0) } }

  /// The id that the page begins after.
  var after: String? { get throws { try place { $0.stringValue } } }

  private func place<Value>(_ kind: (JSONValue) -> Value?) throws -> Value? {
    guard let cursor else { return nil }
    guard let value = kind(cursor.place) else {
      throw JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question")
    }
    return value
  }
}
