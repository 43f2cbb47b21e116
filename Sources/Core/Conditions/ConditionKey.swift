public import JSON
public import Temporal

/// What a condition may ask about: a key of a closed catalogue, with the type of its values.
public struct ConditionKey: Hashable, Sendable {
  /// Where the value comes from.
  public enum Origin: Hashable, Sendable {
    /// The request that a check is about: given with the question, and open where there is none.
    case request
    /// An attribute of the identity whose path it is; `id` and `kind` are there for every identity.
    case identity
    /// An attribute of the resource that is asked about; `path` is there for every resource.
    case resource
    /// The moment that is asked about, on the clocks of a zone.
    case time(Zone)
  }

  /// What kind of values a key has; operators of another family cannot match.
  public enum Kind: String, Hashable, Sendable {
    case text, number, instant, address
    case truth = "boolean"
    /// An attribute, which may hold anything.
    case any
  }

  /// The key as it is written.
  public let text: String
  /// Where the value comes from.
  public let origin: Origin
  /// The name within its origin.
  public let name: String
  /// The kind of its values.
  public let kind: Kind

  /// Keys of a request, with their kinds.
  ///
  /// What else a caller wants to say goes under `request.attribute.`.
  public static let requestKeys: [String: Kind] = [
    "ip": .address, "mfa": .truth, "mfa_age_seconds": .number, "user_agent": .text, "network": .text, "device": .text,
    "device_managed": .truth, "session": .text, "credential": .text, "region": .text, "purpose": .text, "ticket": .text,
  ]
  private static let timeKeys: [String: Kind] = [
    "now": .instant, "hour": .number, "minute": .number, "weekday": .number, "day": .number, "month": .number, "year": .number,
    "date": .text,
  ]
  private static let requestAttribute = "attribute."

  /// Reads a key such as `request.ip`, `identity.department` or `time.hour@Europe/Berlin`; without a zone, UTC is meant.
  ///
  /// - Throws: `ConditionKeyError`, which says what is known.
  public init(_ text: String) throws(ConditionKeyError) {
    let scalars = text.unicodeScalars
    guard let dot = scalars.firstIndex(of: ".") else { throw .unknown }
    self.text = text
    let rest = String(scalars[scalars.index(after: dot)...])
    guard !rest.isEmpty else { throw .unknown }
    switch String(scalars[..<dot]) {
    case "request":
      if let known = Self.requestKeys[rest] {
        kind = known
      } else if rest.utf8.starts(with: Self.requestAttribute.utf8), rest.utf8.count > Self.requestAttribute.utf8.count {
        kind = .any
      } else {
        throw .unknown
      }
      (origin, name) = (.request, rest)
    case "identity": (origin, name, kind) = (.identity, rest, rest == "id" || rest == "kind" ? .text : .any)
    case "resource": (origin, name, kind) = (.resource, rest, rest == "path" ? .text : .any)
    case "time":
      let parts = rest.unicodeScalars.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      guard let known = Self.timeKeys[parts[0]] else { throw .unknown }
      guard let zone = parts.count == 1 ? .utc : Zone(parts[1]) else { throw .unknownZone }
      (origin, name, kind) = (.time(zone), parts[0], known)
    default: throw .unknown
    }
  }
}

extension ConditionKey {
  /// Bytes of a value that a caller gives: as much as an attribute may have.
  public static let maximumGivenBytes = 4_096

  /// What is wrong with a value that a caller gives for the key; nil if nothing is.
  public func problem(with value: JSONValue) -> String? {
    guard value.canonicalBytes().count <= Self.maximumGivenBytes else {
      return "must be at most \(Self.maximumGivenBytes) bytes"
    }
    if kind == .any {
      let values = value.arrayValue ?? [value]
      return values.allSatisfy { $0.conditionText != nil } ? nil : "must be a string, an integer, a boolean, or a list of them"
    }
    guard let text = value.conditionText else { return "must be one value: \(kind.rawValue)" }
    switch kind {
    case .number: return Decimal(text) == nil ? "must be a decimal number" : nil
    case .instant: return ConditionInstant.read(text) == nil ? "must be a date or an instant" : nil
    case .address: return AddressBlock.address(text) == nil ? "must be an IP address" : nil
    case .truth: return text == "true" || text == "false" ? nil : "must be true or false"
    case .text, .any: return nil
    }
  }
}

/// Why a key is refused; the rest of a sentence that begins with it.
public enum ConditionKeyError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknown, unknownZone

  /// The rest of a sentence that begins with the key.
  public var description: String {
    switch self {
    case .unknown:
      "is not a known key: there are request.\(ConditionKey.requestKeys.keys.sorted().joined(separator: ", request.")), "
        + "request.attribute.NAME, identity.NAME, resource.NAME, and time.now, hour, minute, weekday, day, month, year and date, "
        + "each with @ZONE where UTC is not meant"
    case .unknownZone: "names a time zone that the IANA database does not have, such as Europe/Berlin"
    }
  }
}
