import Governance
import JSON
import Temporal

/// Who acted, as a record's `userIdentity` says.
struct TrailIdentity: Hashable {
  /// As whom: the ARN, of a session that of its role or user; a service, an account, or what kind of caller it was.
  var id: String
  /// The type as it is written; nil where there is none.
  var type: String?
  /// The session's own ARN, where it has one.
  var sessionName: String?
  /// The key that signed the request.
  var key: String?
  /// When the session began.
  var sessionBegan: Instant?
  /// Whether the session was opened with a second factor; nil where that is not said.
  var hadSecondFactor: Bool?
  /// The service that acted for the identity.
  var invokedBy: String?
  /// The user's name, which also stands where there is no ARN.
  var userName: String?
  var account: String?

  /// The key of a session rather than a lasting one.
  var sessionKey: String? { key.flatMap { $0.hasPrefix("ASIA") ? $0 : nil } }

  /// Reads `userIdentity`; whatever is missing or of another kind is simply not known.
  ///
  /// A session belongs to whoever issued it, its role or its user; a federated user is one of its own, whom its issuer's access
  /// only bounds. Without an ARN the identity is the service that called, else the account, else the type as it stands there:
  /// a name alone does not say which path it has.
  init(_ value: JSONValue?) {
    let value = value.map(TrailWords.unpacked)
    func text(_ value: JSONValue?, _ name: String) -> String? {
      value?[name]?.stringValue.flatMap { $0.isEmpty ? nil : TrailWords.fitted($0) }
    }
    type = text(value, "type")
    key = text(value, "accessKeyId")
    invokedBy = text(value, "invokedBy")
    userName = text(value, "userName")
    account = text(value, "accountId")
    let arn = text(value, "arn")
    let context = value?["sessionContext"]
    let issuer = text(context?["sessionIssuer"], "arn")
    let attributes = context?["attributes"]
    sessionBegan = text(attributes, "creationDate").flatMap { try? Instant(rfc3339: $0) }
    switch attributes?["mfaAuthenticated"] {
    case .string(let text): hadSecondFactor = text == "true" ? true : text == "false" ? false : nil
    case .bool(let bool): hadSecondFactor = bool
    default: break
    }
    let assumed = arn.flatMap(AmazonName.init)?.assumedRole
    if issuer != nil || assumed != nil { sessionName = arn }
    if let id = (type == "FederatedUser" ? arn : nil) ?? issuer ?? assumed ?? arn {
      self.id = id
    } else if let invokedBy {
      id = invokedBy
    } else if type == "AWSAccount", let account {
      // Whoever signs nothing has this in place of a number.
      id = AmazonName.isAccount(account) ? TrailWords.identity(account: account) : "anonymous"
    } else {
      id = type ?? "unknown"
    }
  }
}
