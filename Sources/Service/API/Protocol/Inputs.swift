import EventLog
import Governance
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
