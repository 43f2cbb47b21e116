import Conditions
import JSON

/// Turns the conditions of AWS's policies into Tenure's: the operators are the same, the keys are translated.
enum ConditionTranslation {
  /// The keys that Tenure has a word for, in lower case, since AWS takes keys for the same whatever their case.
  static let keys: [String: String] = [
    "aws:sourceip": "request.ip", "aws:multifactorauthpresent": "request.mfa",
    "aws:multifactorauthage": "request.mfa_age_seconds", "aws:useragent": "request.user_agent",
    "aws:requestedregion": "request.region", "aws:currenttime": "time.now", "aws:epochtime": "time.now",
    "aws:principalarn": "identity.id",
  ]

  /// What stands before the keys that Tenure has no word for: the request may say them.
  private static let others = "request.attribute."

  /// The condition in Tenure's words; success with nothing where there is none.
  ///
  /// A key without a word of its own is asked of the request, so that its answer is conditional until somebody says it.
  static func condition(_ value: JSONValue?) -> Result<JSONValue?, Inexact> {
    guard let value else { return .success(.none) }
    guard let document = value.objectValue else { return .failure(Inexact("a condition is no object")) }
    if document.isEmpty { return .success(.none) }
    var translated = JSONObject()
    for member in document {
      guard let asked = member.value.objectValue else { return .failure(Inexact("a condition is no object")) }
      var keys = JSONObject()
      for key in asked {
        guard let (name, value) = clause(member.name, key.name, key.value) else {
          return .failure(Inexact("a condition asks \(TrailWords.fitted(member.name)) of \(TrailWords.fitted(key.name))"))
        }
        guard keys.append(name, value) else { return .failure(Inexact("a condition asks twice of one key")) }
      }
      translated[member.name] = .object(keys)
    }
    let condition = JSONValue.object(translated)
    guard (try? Condition(condition)) != nil else { return .failure(Inexact("a condition cannot be said")) }
    return .success(.some(condition))
  }

  /// One key of an operator, with the word of Tenure's where the operator can judge it, else with the one of the request.
  private static func clause(_ operation: String, _ key: String, _ value: JSONValue) -> (String, JSONValue)? {
    let value = translated(value)
    let isDate = operation.contains("Date")
    var words = [keys[key.lowercased()], others + key].compactMap { $0 }
    // Seconds compared as numbers are no dates.
    if !isDate { words.removeAll { $0 == "time.now" } }
    return words.lazy.map { ($0, value) }.first { word in
      (try? Condition([operation: .object(JSONObject([word]))].asValue)) != nil
    }
  }

  /// The variables in a value: `${aws:username}` asks for a key too.
  private static func translated(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text): .string(translated(text))
    case .array(let items): .array(items.map(translated))
    default: value
    }
  }

  private static func translated(_ text: String) -> String {
    guard text.contains("${") else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      result.append(scalar)
      guard scalar == "$", rest.first == "{", let end = rest.firstIndex(of: "}") else { continue }
      let inside = String(rest[..<end].dropFirst())
      let key = inside.prefix { $0 != "," }
      rest = rest[end...]
      result.append("{")
      if key.unicodeScalars.count > 1 {
        let word = keys[key.lowercased()] ?? others + key
        result.append(contentsOf: word.unicodeScalars)
        result.append(contentsOf: inside.dropFirst(key.count).unicodeScalars)
      } else {
        result.append(contentsOf: inside.unicodeScalars)
      }
    }
    return String(result)
  }
}

extension Dictionary where Key == String, Value == JSONValue {
  fileprivate var asValue: JSONValue { .object(JSONObject(map { ($0.key, $0.value) })) }
}
