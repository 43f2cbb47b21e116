import Governance
import JSON

/// A policy document of AWS, as far as it can be said in Tenure's words.
struct AccessDocument: Hashable {
  /// A statement.
  struct Statement: Hashable {
    var effect: PermissionEffect
    /// Whom it is about: in a document of a resource or a trust.
    var principals: [Principal]
    /// Patterns of actions.
    var actions: [String]
    /// Patterns of resources, as they are written; empty where the document needs none.
    var resources: [String]
    var condition: JSONValue?
    /// Why it cannot be said exactly; its permission then is not known.
    var problem: String?
    /// Whether all but the condition can be said.
    var isProblemOfCondition = false
  }

  /// Whom a statement of a resource's document is about.
  enum Principal: Hashable {
    case everyone
    /// An ARN, an account's number, or an Amazon-internal id of somebody deleted since.
    case named(String)
    case service(String)
    case federated(String)
    case canonical(String)
  }

  var statements: [Statement]
  /// The document as it was written, without the blanks.
  var text: String

  /// Why the document as a whole cannot be said exactly; nil where it can.
  var problem: String? { statements.lazy.compactMap(\.problem).first }

  /// Reads a document that stands as an object, or in a text, perhaps with percent escapes.
  ///
  /// - Throws: ``AccessDocumentError`` where it is no policy document.
  init(_ value: JSONValue) throws(AccessDocumentError) {
    let document = try Self.document(value)
    guard let statement = document["Statement"] else { throw .malformed("has no `Statement`") }
    let items = statement.arrayValue ?? [statement]
    guard items.count <= TrailLimits.statements else { throw .malformed("has more than \(TrailLimits.statements) statements") }
    statements = []
    for item in items { statements.append(try Statement(item)) }
    text = String(decoding: JSONValue.object(document).canonicalBytes(), as: UTF8.self)
  }

  /// The object that a value is or holds as a text.
  static func document(_ value: JSONValue) throws(AccessDocumentError) -> JSONObject {
    switch value {
    case .object(let object): return object
    case .string(let text):
      let plain = text.hasPrefix("%7B") || text.hasPrefix("%0A") ? text.removingPercentEscapes : text
      var limits = JSONLimits.standard
      limits.bytes = TrailLimits.documentBytes
      // What a person typed by hand may say a thing twice; AWS then takes the last, as most readers do.
      limits.allowsDuplicateNames = true
      let value: JSONValue
      do throws(JSONError) { value = try JSONValue(parsing: plain, limits: limits) } catch {
        throw .malformed("is not JSON: \(error.reason)")
      }
      guard case .object(let object) = value else { throw .malformed("is no object") }
      return object
    default: throw .malformed("is neither an object nor a text")
    }
  }
}

/// Why a value is no policy document; the rest of a sentence that begins with it.
enum AccessDocumentError: Error, Hashable, CustomStringConvertible {
  case malformed(String)

  var description: String {
    switch self {
    case .malformed(let problem): problem
    }
  }
}

extension AccessDocument.Statement {
  init(_ value: JSONValue) throws(AccessDocumentError) {
    guard let object = value.objectValue else { throw .malformed("has a statement that is no object") }
    switch object["Effect"]?.stringValue {
    case "Allow": effect = .allow
    case "Deny": effect = .deny
    default: throw .malformed("has a statement without an effect")
    }
    var problems: [String] = []
    for name in ["NotAction", "NotResource", "NotPrincipal"] where object.contains(where: { $0.name == name }) {
      problems.append("a statement has \(name)")
    }
    (actions, resources, principals) = ([], [], [])
    for text in try Self.texts(object["Action"], "Action") {
      switch Self.action(text) {
      case .success(let action): actions.append(action)
      case .failure(let problem): problems.append(problem.text)
      }
    }
    resources = try Self.texts(object["Resource"], "Resource")
    if resources.contains(where: { $0.contains("${") }) { problems.append("a resource has a variable") }
    if let principal = object["Principal"] { principals = try Self.principals(principal) }
    let isExactSoFar = problems.isEmpty
    switch ConditionTranslation.condition(object["Condition"]) {
    case .success(let condition): self.condition = condition
    case .failure(let problem): problems.append(problem.text)
    }
    for pattern in actions + resources {
      if let problem = Limits.problem(pattern: pattern) { problems.append("a pattern \(problem)") }
    }
    if actions.isEmpty, problems.isEmpty { problems.append("a statement names no action") }
    problem = problems.first
    isProblemOfCondition = isExactSoFar && problems.count == 1
  }

  /// A text or a list of texts.
  private static func texts(_ value: JSONValue?, _ name: String) throws(AccessDocumentError) -> [String] {
    guard let value else { return [] }
    if let text = value.stringValue { return [text] }
    guard let items = value.arrayValue, items.count <= TrailLimits.statements else {
      throw .malformed("has a statement whose \(name) is neither a text nor a short list")
    }
    var texts: [String] = []
    for item in items {
      guard let text = item.stringValue else {
        throw .malformed("has a statement whose \(name) holds something else than texts")
      }
      texts.append(text)
    }
    return texts
  }

  /// AWS takes actions for the same whatever their case, and Tenure does not: they are written as AWS lists them.
  ///
  /// What is all in lower case could be several words, and is not guessed at.
  private static func action(_ text: String) -> Result<String, Inexact> {
    if text == "*" { return .success(text) }
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return .failure(Inexact("an action has no service")) }
    let service = text[..<colon].lowercased()
    let name = text[text.utf8.index(after: colon)...]
    guard let first = name.unicodeScalars.first, ("a"..."z").contains(first), !service.hasSuffix("-db") else {
      return .success("\(service):\(name)")
    }
    let letters = name.unicodeScalars.prefix { ("a"..."z").contains($0) }
    let goesOn = letters.endIndex < name.unicodeScalars.endIndex
    guard goesOn else { return .failure(Inexact("an action is written in lower case")) }
    return .success("\(service):\(first.properties.uppercaseMapping)\(String(name.unicodeScalars.dropFirst()))")
  }

  private static func principals(_ value: JSONValue) throws(AccessDocumentError) -> [AccessDocument.Principal] {
    if let text = value.stringValue {
      guard text == "*" else { throw .malformed("has a principal that is a text, and not `*`") }
      return [.everyone]
    }
    guard let object = value.objectValue else { throw .malformed("has a principal that is neither `*` nor an object") }
    var principals: [AccessDocument.Principal] = []
    for member in object {
      for text in try texts(member.value, "Principal") where !text.isEmpty {
        switch (member.name, text) {
        case (_, "*"): principals.append(.everyone)
        case ("AWS", _): principals.append(.named(text))
        case ("Service", _): principals.append(.service(text))
        case ("Federated", _): principals.append(.federated(text))
        case ("CanonicalUser", _): principals.append(.canonical(text))
        default: throw .malformed("has a principal of a kind that is not known")
        }
      }
    }
    guard principals.count <= TrailLimits.statements else { throw .malformed("names too many principals") }
    return principals
  }
}

/// Why something cannot be said exactly.
struct Inexact: Error, Hashable {
  let text: String
  init(_ text: String) { self.text = text }
}

extension AccessDocument {
  /// The permissions of a document that a user, group or role has; nil where any that allows cannot be said exactly.
  ///
  /// Half a document would be wider than the whole where what is missing denies, and narrower where it allows. What denies and
  /// cannot be said stands as a denial that nobody can evaluate: so nothing under it is ever plainly allowed.
  func permissions(in account: String) -> [Permission]? {
    var permissions: [Permission] = []
    for statement in statements {
      guard let permission = statement.knownPermission(in: account), statement.effect == .deny || !statement.resources.isEmpty
      else { return nil }
      permissions.append(permission)
    }
    return permissions
  }
}

extension AccessDocument.Statement {
  /// A condition that nobody can evaluate; of a denial it means that it may apply.
  private static let unread: JSONValue = ["Unread": ["aws:statement": ["true"]]]

  /// The statement as a permission, one that denies and cannot be said exactly as a denial that may apply; nil where it is not known.
  func knownPermission(in account: String) -> Permission? {
    if problem == nil { return permission(in: account) }
    guard effect == .deny else { return nil }
    guard isProblemOfCondition else {
      return Permission(effect: .deny, actions: ["*"], resources: ["\(TrailWords.scope(account))/*"], condition: Self.unread)
    }
    var permission = permission(in: account)
    permission.condition = Self.unread
    return permission
  }

  /// The statement as a permission; patterns of resources stand below the account.
  func permission(in account: String) -> Permission {
    let patterns = resources.isEmpty ? ["*"] : resources
    return Permission(
      effect: effect, actions: actions, resources: patterns.map { "\(TrailWords.scope(account))/\($0)" }, condition: condition)
  }
}

extension String {
  /// The text with its percent escapes replaced; as it is where they are wrong.
  fileprivate var removingPercentEscapes: String {
    func digit(_ byte: UInt8) -> UInt8? { UInt8(String(UnicodeScalar(byte)), radix: 16) }
    var bytes: [UInt8] = []
    var rest = Array(utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let high = digit(rest.removeFirst()), let low = digit(rest.removeFirst()) else { return self }
      bytes.append(high << 4 | low)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
