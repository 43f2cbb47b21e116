import JSON

/// The limits of the domain, each with its reason; the error names the limit that was hit.
public enum Limits {
  /// Bytes of an id: fits twice into a PostgreSQL B-tree row (2,704 bytes) with room for the rest of the key.
  public static let identifierBytes = 512
  /// Bytes of the longest `kind:` prefix.
  public static let kindBytes = 16
  /// Bytes of a resource path, scope or pattern: one fits into a B-tree row beside two ids.
  public static let pathBytes = 1024
  /// Segments of a path: a question asks about each prefix.
  public static let pathSegments = 64
  /// Bytes of an instant's text, with an offset.
  public static let instantBytes = 40
  /// Bytes of an attribute's name.
  public static let attributeNameBytes = 128
  /// Bytes of an attribute's canonical value: it is a fact, not a document.
  public static let attributeValueBytes = 4096
  /// Attributes that one event may write.
  public static let attributesPerEntity = 200
  /// Permissions of one role: AWS's largest managed policies stay far below.
  public static let permissionsPerRole = 2000
  /// Patterns of one permission.
  public static let patternsPerPermission = 2000
  /// Roles that one role may include.
  public static let includesPerRole = 500
  /// Principals that a policy may name: more belong in a group.
  public static let principalsPerPolicy = 200
  /// Roles that one policy may keep apart.
  public static let rolesPerSeparation = 50
  /// Persons who may have to approve one request.
  public static let approvalsPerRequest = 20
  /// Bytes of what is known of a request: it stands in each of its events.
  public static let contextBytes = 8_192
  /// Bytes of what a request asks for: half an event's body, so that no later step of the request makes too long an event.
  public static let proposalBytes = 524_288
  /// Items of one review: nobody reviews more, and the list is made while the tenant's writers wait.
  public static let itemsPerReview = 100_000
  /// Rules by which one review finds its reviewers.
  public static let reviewerRules = 20
  /// Reminders that one review may send: more are not read.
  public static let remindersPerReview = 20
  /// Reviewers that one event of a reminder names, which is told in one message; one that has more to name is told in several.
  public static let reviewersPerReminder = 1_000
  /// Reviewers that a command names in all: as many as a review may have items.
  public static let reviewersReminded = itemsPerReview
  /// Bytes of a condition document.
  public static let conditionBytes = 16_384
  /// Bytes of a reason.
  public static let reasonBytes = 4096
  /// Bytes of what a confirmation rests on: a sentence or an address, not the document itself.
  public static let evidenceBytes = 4096
  /// Bytes of the name of a rule that raises findings: with a digest behind it, it is an id.
  public static let findingRuleBytes = 128
  /// Bytes of a finding's evidence, and of what would mend it: the graph keeps both of each that was raised.
  public static let findingDocumentBytes = 65_536
  /// Days that a finding may be accepted for: three yearly reviews look at it again.
  public static let longestAcceptanceDays: Int64 = 1_096
  /// Bytes of a policy's rule.
  public static let ruleBytes = 65_536
  /// Bytes of an event's body: one event must never hold up a page or a batch.
  public static let bodyBytes = 1_048_576
  /// Commands of one atomic batch: it is decided and written in one transaction.
  public static let commandsPerBatch = 10_000

  /// What is wrong with an id; nil if nothing is.
  public static func problem(identifier text: String) -> String? {
    if text.isEmpty { return "must not be empty" }
    if text.utf8.count > identifierBytes { return "must be at most \(identifierBytes) bytes" }
    return problem(characters: text)
  }

  /// What is wrong with a resource path or scope; nil if nothing is.
  public static func problem(path text: String) -> String? {
    if text.isEmpty { return "must not be empty; the whole tenant is *" }
    if text == "*" { return nil }
    if text.utf8.count > pathBytes { return "must be at most \(pathBytes) bytes" }
    let slash = UInt8(ascii: "/")
    var segments = 1
    var hasEmptySegment = false
    var previous = slash
    for byte in text.utf8 {
      if byte == UInt8(ascii: "*") { return "must be a path without wildcards, or * for the whole tenant" }
      if byte == slash {
        segments += 1
        if previous == slash { hasEmptySegment = true }
      }
      previous = byte
    }
    if hasEmptySegment || previous == slash { return "must not have an empty segment" }
    if segments > pathSegments { return "must have at most \(pathSegments) segments" }
    return problem(characters: text)
  }

  /// What is wrong with a pattern; nil if nothing is.
  public static func problem(pattern text: String) -> String? {
    if text.isEmpty { return "must not be empty" }
    if text.utf8.count > pathBytes { return "must be at most \(pathBytes) bytes" }
    return problem(characters: text)
  }

  /// Whether the text is a SHA-256 in lower-case hexadecimal.
  static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  static func problem(attribute name: String) -> String? {
    if name.isEmpty { return "must have a name that is not empty" }
    if name.utf8.count > attributeNameBytes { return "must have a name of at most \(attributeNameBytes) bytes" }
    return problem(characters: name)
  }

  static func problem(attributeValue value: JSONValue) -> String? {
    switch value {
    case .null, .bool, .integer, .string: break
    case .array(let items) where items.allSatisfy({ $0.stringValue != nil }): break
    default: return "must be a string, an integer, a boolean, a list of strings, or null"
    }
    if case .integer(let n) = value, n.magnitude > JSONValue.largestExactInteger.magnitude {
      return "must be an integer below 2^53"
    }
    return value.canonicalBytes().count > attributeValueBytes ? "must be at most \(attributeValueBytes) bytes" : nil
  }

  private static func problem(characters text: String) -> String? {
    // By bytes: in UTF-8 these stand for nothing else.
    text.utf8.contains { $0 < 0x20 || $0 == 0x7F } ? "must not contain control characters" : nil
  }
}

/// Attributes whose values are personal: never in a body, only their salted digest.
public enum PersonalAttributes {
  /// Names that hold personal values wherever they stand, in lower case and without separators.
  public static let names: Set<String> = [
    "name", "displayname", "fullname", "givenname", "firstname", "middlename", "familyname", "lastname", "surname",
    "nickname", "email", "mail", "emailaddress", "phone", "phonenumber", "telephone", "mobile", "address", "street",
    "postaladdress", "homeaddress", "dateofbirth", "birthdate", "birthday", "passport", "nationalid", "photo",
  ]

  /// Whether the attribute's values are personal: a name in `names`, whatever its case and its `_`, `-`, `.` and blanks, or one
  /// that begins with `personal.`.
  public static func contains(_ name: String) -> Bool {
    if name.utf8.starts(with: "personal.".utf8) { return true }
    let bare = name.lowercased().unicodeScalars.filter { !"_-. ".unicodeScalars.contains($0) }
    return names.contains(String(String.UnicodeScalarView(bare)))
  }
}
