import Governance
import JSON

/// What shares access outside IAM: policies of resources, attributes of snapshots and images, permissions of functions, grants
/// of keys.
extension TrailReader {
  func sharingEvents(_ record: TrailRecord) -> [TrailStep] {
    if let steps = accountEvents(record) { return steps }
    let steps: [TrailStep]? =
      switch record.service {
      case "s3": bucketEvents(record)
      case "ec2", "rds": copyEvents(record)
      case "lambda": functionEvents(record)
      case "kms": keyEvents(record)
      case "sns", "sqs": messageEvents(record)
      case "ram": resourceShareEvents(record)
      case "events": eventBusEvents(record)
      default: nil
      }
    return steps ?? anyResource(record)
  }

  // MARK: Buckets

  private func bucketEvents(_ record: TrailRecord) -> [TrailStep]? {
    guard let bucket = record.asked("bucketName") else { return nil }
    let arn = TrailWords.fitted("arn:\(names.partition(record.account)):s3:::\(bucket)")
    switch record.name {
    case "PutBucketPolicy": return [shared(arn, record.request["bucketPolicy"] ?? record.request["policy"], record.account)]
    case "DeleteBucketPolicy": return [.clears(TrailWords.id(arn, "policy"), withAllBelow: false)]
    case "PutBucketAcl": return [accessList(arn, record)]
    case "CreateBucket":
      // A new bucket is its owner's alone, unless the request says otherwise.
      guard record.request.contains(where: { $0.name == "x-amz-acl" || $0.name == "AccessControlPolicy" }) else { return [] }
      if case .puts(let slot) = accessList(arn, record), slot.parts.isEmpty { return [] }
      return [accessList(arn, record)]
    case "PutObjectAcl":
      guard let key = record.asked("key") else { return nil }
      return [accessList(TrailWords.fitted("\(arn)/\(key)"), record)]
    case "DeleteBucket":
      return [
        .clears(TrailWords.id(arn, "policy"), withAllBelow: false), .clears(TrailWords.id(arn, "acl"), withAllBelow: false),
        .clears(arn, withAllBelow: true),
      ]
    default: return nil
    }
  }

  /// What the words of S3's access lists permit.
  private static let listed: [String: [String]] = [
    "READ": ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion"],
    "WRITE": ["s3:PutObject", "s3:DeleteObject"], "READ_ACP": ["s3:GetBucketAcl", "s3:GetObjectAcl"],
    "WRITE_ACP": ["s3:PutBucketAcl", "s3:PutObjectAcl"], "FULL_CONTROL": ["s3:*"],
  ]

  /// The lists that have a name of their own; the others give their owner alone.
  private static let canned: [String: [(String, [String])]] = [
    "public-read": [(TrailWords.everyone, ["READ"])], "public-read-write": [(TrailWords.everyone, ["READ", "WRITE"])],
    "authenticated-read": [(TrailWords.authenticated, ["READ"])],
    "log-delivery-write": [("logging.s3.amazonaws.com", ["WRITE", "READ_ACP"])],
    "aws-exec-read": [("ec2.amazonaws.com", ["READ"])],
  ]

  private func accessList(_ arn: String, _ record: TrailRecord) -> TrailStep {
    let marker = TrailWords.id(arn, "acl")
    var slot = TrailSlot(role: marker, permissions: [], document: TrailDocument(text: ""), parts: [])
    var given: [(String, [String])] = []
    let header = record.request["x-amz-acl"].flatMap { $0.stringValue ?? $0[0]?.stringValue }
    if let header {
      given = Self.canned[header] ?? []
    } else if let grants = record.request["AccessControlPolicy"]?["AccessControlList"]?["Grant"] {
      let owner = record.request["AccessControlPolicy"]?["Owner"]?["ID"]?.stringValue
      for grant in (grants.arrayValue ?? [grants]).prefix(TrailLimits.statements) {
        guard let grantee = Self.grantee(grant["Grantee"]), let word = grant["Permission"]?.stringValue,
          Self.listed[word] != nil
        else {
          slot.document.problem = "a grant is not understood"
          continue
        }
        if let owner, grantee == "canonical:\(owner)" { continue }
        given.append((grantee, [word]))
      }
    } else {
      slot.document.problem = "the list is not in the trail"
    }
    if slot.document.problem != nil { given.append((TrailWords.everyone, [])) }
    for (index, (grantee, words)) in given.enumerated() {
      let actions = words.flatMap { Self.listed[$0] ?? [] }
      let resources = [arn, "\(arn)/*"].map { "\(TrailWords.scope(record.account))/\($0)" }
      slot.parts.append(
        TrailSlot.Part(
          role: TrailWords.id(marker, "\(index)"),
          permissions: actions.isEmpty ? nil : [Permission(actions: actions, resources: resources)],
          principal: .identity(TrailWords.fitted(grantee)),
          scope: TrailWords.path(arn, in: record.account) ?? TrailWords.scope(record.account),
          condition: .none))
    }
    return .puts(slot)
  }

  private static func grantee(_ value: JSONValue?) -> String? {
    switch value?["URI"]?.stringValue {
    case "http://acs.amazonaws.com/groups/global/AllUsers": return TrailWords.everyone
    case "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": return TrailWords.authenticated
    case "http://acs.amazonaws.com/groups/s3/LogDelivery": return "logging.s3.amazonaws.com"
    default: break
    }
    if let id = value?["ID"]?.stringValue { return "canonical:\(id)" }
    return value?["EmailAddress"]?.stringValue == nil ? nil : "canonical:by-address"
  }

  // MARK: Functions

  private func functionEvents(_ record: TrailRecord) -> [TrailStep]? {
    if record.plainName.contains("LayerVersionPermission") { return layerEvents(record) }
    // Who may call an address without signing, a permission says that is given for it.
    if record.plainName.contains("FunctionUrlConfig") { return [] }
    guard var function = record.asked("functionName") else { return nil }
    if AmazonName(function) == nil {
      // `name:alias` names a part of the function.
      function = names.arn("lambda", record, "function:\(function.split(separator: ":").last ?? "")")
    }
    if let alias = record.asked("qualifier") { function = TrailWords.fitted("\(function):\(alias)") }
    switch record.plainName {
    case "AddPermission":
      guard let sid = record.asked("statementId") else { return remark(record, "names no statement") }
      var statement = record.response["statement"].flatMap { try? AccessDocument.document($0) }
      if record.asked("functionUrlAuthType") == "NONE" { statement = statement.map(Self.withoutAddress) }
      let document: JSONValue = .object(["Statement": statement.map { .object($0) } ?? Self.statement(record, function)])
      return [shared(function, document, record.account, under: TrailWords.id(function, "policy", sid))]
    case "RemovePermission":
      guard let sid = record.asked("statementId") else { return remark(record, "names no statement") }
      return [.clears(TrailWords.id(function, "policy", sid), withAllBelow: false)]
    case "DeleteFunction": return [.clears(function, withAllBelow: true)]
    default: return nil
    }
  }

  private func layerEvents(_ record: TrailRecord) -> [TrailStep] {
    guard let layer = record.asked("layerName"), let sid = record.asked("statementId") else {
      return remark(record, "names no layer or no statement")
    }
    var version = ""
    if case .integer(let number)? = record.request["versionNumber"] { version = ":\(number)" }
    let arn =
      AmazonName(layer) == nil ? names.arn("lambda", record, "layer:\(layer)\(version)") : TrailWords.fitted(layer + version)
    let role = TrailWords.id(arn, "policy", sid)
    if record.plainName.hasPrefix("Remove") { return [.clears(role, withAllBelow: false)] }
    var condition = JSONObject()
    if let organisation = record.asked("organizationId") {
      condition["StringEquals"] = ["aws:PrincipalOrgID": .string(organisation)]
    }
    let document: JSONValue = [
      "Statement": [
        "Effect": "Allow", "Principal": ["AWS": .string(record.asked("principal") ?? "*")],
        "Action": .string(record.asked("action") ?? "lambda:GetLayerVersion"), "Resource": .string(arn),
        "Condition": .object(condition),
      ]
    ]
    return [shared(arn, document, record.account, under: role)]
  }

  /// A statement without what it asks of how an address of a function is called: that the address is open it says itself.
  private static func withoutAddress(_ statement: JSONObject) -> JSONObject {
    var statement = statement
    guard var condition = statement["Condition"]?.objectValue, var keys = condition["StringEquals"]?.objectValue else {
      return statement
    }
    keys = JSONObject(keys.filter { $0.name.lowercased() != "lambda:functionurlauthtype" }.map { ($0.name, $0.value) })
    condition = JSONObject(condition.filter { $0.name != "StringEquals" }.map { ($0.name, $0.value) })
    if !keys.isEmpty { condition["StringEquals"] = .object(keys) }
    statement["Condition"] = .object(condition)
    return statement
  }

  /// The statement that the request of a permission comes to, where the answer does not say it.
  private static func statement(_ record: TrailRecord, _ function: String) -> JSONValue {
    let principal = record.asked("principal") ?? "*"
    let kind = principal == "*" || AmazonName.isAccount(principal) || principal.hasPrefix("arn:") ? "AWS" : "Service"
    var condition = JSONObject()
    if let arn = record.asked("sourceArn") { condition["ArnLike"] = ["AWS:SourceArn": .string(arn)] }
    if let account = record.asked("sourceAccount") { condition["StringEquals"] = ["AWS:SourceAccount": .string(account)] }
    return [
      "Effect": "Allow", "Principal": .object([kind: .string(principal)]),
      "Action": .string(record.asked("action") ?? "lambda:*"),
      "Resource": .string(function), "Condition": .object(condition),
    ]
  }

  // MARK: Keys

  private func keyEvents(_ record: TrailRecord) -> [TrailStep]? {
    let named = record.answered("keyMetadata", "arn") ?? record.asked("keyId") ?? record.resources.first
    guard let named else { return nil }
    let key =
      AmazonName(named) != nil
      ? TrailWords.fitted(named)
      : record.resources.first { AmazonName($0)?.service == "kms" } ?? names.arn("kms", record, "key/\(named)")
    switch record.name {
    case "PutKeyPolicy": return [shared(key, record.request["policy"], record.account)]
    case "CreateKey": return record.asked("policy") == nil ? [] : [shared(key, record.request["policy"], record.account)]
    case "CreateGrant":
      guard let grant = record.answered("grantId"), let principal = record.asked("granteePrincipal") else {
        return remark(record, "names no grant or nobody who gets it")
      }
      var condition = JSONObject()
      if let constraints = record.request["constraints"]?.objectValue, !constraints.isEmpty {
        condition["StringEquals"] = ["kms:EncryptionContext": .string("constrained")]
      }
      let operations = (record.request["operations"]?.arrayValue ?? []).compactMap(\.stringValue)
      let kind = AmazonName(principal) == nil && !AmazonName.isAccount(principal) ? "Service" : "AWS"
      let document: JSONValue = [
        "Statement": [
          "Effect": "Allow", "Principal": .object([kind: .string(principal)]),
          "Action": .array(operations.map { .string("kms:\($0)") }), "Resource": .string(key), "Condition": .object(condition),
        ]
      ]
      return [shared(key, document, record.account, under: TrailWords.id(key, "grant", grant))]
    case "RevokeGrant", "RetireGrant":
      guard let grant = record.asked("grantId") ?? record.answered("grantId") else { return remark(record, "names no grant") }
      return [.clears(TrailWords.id(key, "grant", grant), withAllBelow: false)]
    case "EnableKeyRotation", "DisableKeyRotation", "ScheduleKeyDeletion", "CancelKeyDeletion": return []
    default: return nil
    }
  }

  // MARK: Topics and queues

  private func messageEvents(_ record: TrailRecord) -> [TrailStep]? {
    guard let arn = messagePlace(record) else { return nil }
    switch record.name {
    case "SetTopicAttributes":
      guard record.asked("attributeName") == "Policy" else { return [] }
      return [shared(arn, record.request["attributeValue"], record.account)]
    case "CreateTopic", "CreateQueue", "SetQueueAttributes":
      let attributes = record.request["attributes"] ?? record.request["attribute"]
      return attributes?["Policy"].map { [shared(arn, $0, record.account)] } ?? []
    case "AddPermission":
      guard let label = record.asked("label") else { return remark(record, "names no label") }
      let actions = (record.request["actionName"] ?? record.request["actions"])?.arrayValue ?? []
      let accounts = (record.request["aWSAccountId"] ?? record.request["aWSAccountIds"])?.arrayValue ?? []
      let document: JSONValue = [
        "Statement": [
          "Effect": "Allow", "Principal": ["AWS": .array(accounts)], "Resource": .string(arn),
          "Action": .array(actions.compactMap(\.stringValue).map { .string("\(record.service):\($0)") }),
        ]
      ]
      return [shared(arn, document, record.account, under: TrailWords.id(arn, "policy", label))]
    case "RemovePermission":
      guard let label = record.asked("label") else { return remark(record, "names no label") }
      return [.clears(TrailWords.id(arn, "policy", label), withAllBelow: false)]
    case "DeleteTopic", "DeleteQueue": return [.clears(arn, withAllBelow: true)]
    default: return nil
    }
  }

  private func messagePlace(_ record: TrailRecord) -> String? {
    if let arn = record.asked("topicArn") ?? record.answered("topicArn") { return TrailWords.fitted(arn) }
    let name = (record.asked("queueUrl") ?? record.answered("queueUrl") ?? record.asked("queueName"))?.split(separator: "/")
      .last
    return name.map { names.arn("sqs", record, String($0)) }
  }
}
