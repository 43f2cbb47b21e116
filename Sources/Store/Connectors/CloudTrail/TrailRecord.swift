import Cryptography
import Governance
import JSON
import Temporal

/// One record of a trail, as much of it as is used.
struct TrailRecord {
  var id: String
  var at: Instant
  /// The first label of the event source: `iam`, `s3`.
  var service: String
  var name: String
  var region: String
  /// The account whose trail it is.
  var account: String
  var identity: TrailIdentity
  var address: String?
  var agent: String?
  var errorCode: String?
  var outcome: Outcome
  var isReadOnly: Bool
  /// The ARNs that the record itself names as its resources.
  var resources: [String]
  /// The request and the answer; empty where the record can change nothing that Tenure keeps.
  var request = JSONObject()
  var response = JSONObject()
  var additional = JSONObject()

  enum Outcome { case allowed, denied, failed }

  /// The event's name without the version that some services put behind it: `AddPermission20150331v2`.
  var plainName: String {
    guard let digit = name.firstIndex(where: { $0.isASCII && $0.isNumber }) else { return name }
    let rest = name[digit...]
    let isVersion = rest.prefix(8).count == 8 && rest.prefix(8).allSatisfy { $0.isASCII && $0.isNumber }
    return isVersion ? String(name[..<digit]) : name
  }

  /// What was done, as the trail names it.
  var action: String { "\(service):\(name)" }

  /// Reads a record.
  ///
  /// The oldest records have no id, and are told apart by all they say; and no account, which then is the caller's, the
  /// resource's, or the one that the file belongs to.
  /// - Parameter owner: the account that the file belongs to; nil where its name does not say.
  /// - Throws: `JSONFieldError` where it lacks what every record has: a time, a source, a name and an account.
  init(_ value: JSONValue, owner: String? = nil) throws(JSONFieldError) {
    guard case .object(let object) = value else { throw JSONFieldError(pointer: "", problem: "must be an object") }
    func required(_ name: String) throws(JSONFieldError) -> String {
      guard let text = object[name]?.stringValue, !text.isEmpty else {
        throw JSONFieldError(pointer: "/\(name)", problem: "must be a text that is not empty")
      }
      if let problem = Limits.problem(identifier: text) { throw JSONFieldError(pointer: "/\(name)", problem: problem) }
      return text
    }
    func optional(_ name: String) -> String? {
      object[name]?.stringValue.flatMap { $0.isEmpty ? nil : TrailWords.printable($0) }
    }
    if let given = object["eventID"], !given.isNull {
      id = try required("eventID")
    } else {
      id = "sha256:" + SHA256.digest(value.canonicalBytes()).hexadecimal.prefix(32)
    }
    let time = try required("eventTime")
    do { at = try Instant(rfc3339: time) } catch {
      throw JSONFieldError(pointer: "/eventTime", problem: "must be an instant such as 2023-07-10T12:24:49Z")
    }
    service = String(try required("eventSource").prefix { $0 != "." })
    name = try required("eventName")
    identity = TrailIdentity(object["userIdentity"])
    let listed = object["resources"]?.arrayValue ?? []
    let accounts =
      [optional("recipientAccountId"), identity.account, AmazonName(identity.id).map { String($0.account) }]
      + listed.map { ($0["accountId"] ?? $0["accountID"])?.stringValue } + [owner]
    let stated = accounts.compactMap { $0 }
    guard let account = stated.first(where: AmazonName.isAccount) ?? stated.first(where: AmazonName.mayBeAccount) else {
      throw JSONFieldError(pointer: "/recipientAccountId", problem: "must be the number of an account, or what stands for it")
    }
    self.account = account
    region = optional("awsRegion") ?? ""
    address = optional("sourceIPAddress")
    agent = optional("userAgent")
    errorCode = optional("errorCode")
    outcome = Self.outcome(object)
    isReadOnly = Self.isReadOnly(object["readOnly"], name)
    resources = listed.compactMap { ($0["ARN"] ?? $0["arn"])?.stringValue }
    func part(_ name: String) -> JSONObject { object[name].flatMap { TrailWords.unpacked($0).objectValue } ?? JSONObject() }
    request = part("requestParameters")
    additional = part("additionalEventData")
    response = part("responseElements")
    if outcome != .allowed { response = JSONObject() }
  }

  /// Whether it only looked: as it says, or where it says nothing, as records did not before version 1.05, as its name does.
  private static func isReadOnly(_ stated: JSONValue?, _ name: String) -> Bool {
    if let said = stated?.boolValue { return said }
    if let said = stated?.stringValue { return said == "true" }
    return ["Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Simulate"].contains { name.hasPrefix($0) }
  }

  /// What came of it: refused for lack of access, gone wrong otherwise, or done.
  private static func outcome(_ object: JSONObject) -> Outcome {
    let code = object["errorCode"]?.stringValue ?? ""
    let word = code.lowercased()
    if refusals.contains(where: { word.contains($0) }) { return .denied }
    if !code.isEmpty { return .failed }
    // A console login that fails bears no code.
    let name = object["eventName"]?.stringValue ?? ""
    return object["responseElements"].map(TrailWords.unpacked)?[name]?.stringValue == "Failure" ? .failed : .allowed
  }

  /// What the codes of refusals have in them, whatever the service: `Client.UnauthorizedOperation`, `AccessDeniedException`.
  private static let refusals = ["accessdenied", "unauthorized", "notauthorized", "authorizationerror", "forbidden"]
}
