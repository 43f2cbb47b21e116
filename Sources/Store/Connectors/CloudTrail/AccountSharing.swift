import Governance
import JSON

/// Events that name, in a list or alone, the accounts that get something or lose it: a line of a table each.
struct AccountSharing {
  /// The member of the request that names who gets it; nil where the event only takes.
  let adding: String?
  let removing: String?
  let actions: [String]
  let resource: ResourceNames

  /// The rules by service and event.
  static let rules: [String: AccountSharing] = {
    var rules: [String: AccountSharing] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 6, let rule = ResourceNames(words[4], words[5]) else {
        preconditionFailure("a rule in six words: \(line)")
      }
      rules[words[0]] = AccountSharing(
        adding: words[1] == "-" ? nil : words[1], removing: words[2] == "-" ? nil : words[2],
        actions: words[3].split(separator: ",").map(String.init), resource: rule)
    }
    return rules
  }()

  /// Event, who gets, who loses, which actions, the parameter that names the resource, its ARN.
  private static let table = """
    ssm:ModifyDocumentPermission accountIdsToAdd accountIdsToRemove ssm:GetDocument,ssm:DescribeDocument,ssm:SendCommand name arn:P:ssm:R:A:document/{}
    redshift:AuthorizeSnapshotAccess accountWithRestoreAccess - redshift:RestoreFromClusterSnapshot snapshotIdentifier arn:P:redshift:R:A:snapshot:{}
    redshift:RevokeSnapshotAccess - accountWithRestoreAccess redshift:RestoreFromClusterSnapshot snapshotIdentifier arn:P:redshift:R:A:snapshot:{}
    ec2:ModifyFpgaImageAttribute userIds - ec2:DescribeFpgaImages fpgaImageId arn:P:ec2:R::fpga-image/{}
    appstream:UpdateImagePermissions sharedAccountId - appstream:CreateFleet name arn:P:appstream:R:A:image/{}
    appstream:DeleteImagePermissions - sharedAccountId appstream:CreateFleet name arn:P:appstream:R:A:image/{}
    workspaces:UpdateWorkspaceImagePermission sharedAccountId - workspaces:CopyWorkspaceImage imageId arn:P:workspaces:R:A:workspaceimage/{}
    """
}

extension TrailReader {
  /// The steps of an event that the table knows; nil where it knows none.
  func accountEvents(_ record: TrailRecord) -> [TrailStep]? {
    guard let rule = AccountSharing.rules["\(record.service):\(record.plainName)"] else { return nil }
    guard let arn = rule.resource.arn(in: record, names) else { return remark(record, "names nothing that is shared") }
    var steps: [TrailStep] = []
    for (member, isOn) in [(rule.adding, true), (rule.removing, false)] {
      guard let member, let value = record.request[member] else { continue }
      for item in (value.arrayValue ?? [value]).prefix(TrailLimits.statements) {
        let text = item.stringValue ?? item["userId"]?.stringValue ?? ""
        if text.lowercased() == "all" {
          steps.append(share(record, arn, TrailWords.everyone, rule.actions, isOn))
        } else if AmazonName.isAccount(text) {
          steps.append(share(record, arn, TrailWords.identity(account: text), rule.actions, isOn))
        } else {
          steps += remark(record, "shares with somebody who is not understood")
        }
      }
    }
    return steps
  }

  // MARK: Resource Access Manager

  /// A resource share is a group of those whom it is for; what it shares they have in a way that the trail does not say.
  func resourceShareEvents(_ record: TrailRecord) -> [TrailStep]? {
    let isOn = record.name == "CreateResourceShare" || record.name == "AssociateResourceShare"
    guard isOn || record.name == "DisassociateResourceShare" || record.name == "DeleteResourceShare" else {
      return record.name.contains("Invitation") || record.name.contains("Tag") || record.name.contains("Organization")
        ? [] : nil
    }
    let listed = record.response["resourceShareAssociations"]?[0]
    let named = record.answered("resourceShare", "resourceShareArn") ?? record.asked("resourceShareArn")
    guard let share = (named ?? listed?["resourceShareArn"]?.stringValue).map(TrailWords.fitted) else {
      return remark(record, "names no share")
    }
    if record.name == "DeleteResourceShare" { return [.ends(.group(share))] }
    var steps: [TrailStep] = []
    if record.name == "CreateResourceShare" {
      steps.append(.begins(.group(share), .account, ["account": .open(.string(record.account))]))
    }
    for item in (record.request["principals"]?.arrayValue ?? []).prefix(TrailLimits.statements) {
      guard let text = item.stringValue, !text.isEmpty else { continue }
      let member = AmazonName.isAccount(text) ? TrailWords.identity(account: text) : TrailWords.fitted(text)
      steps.append(isOn ? .joins(group: share, member: member) : .leaves(group: share, member: member))
    }
    for item in (record.request["resourceArns"]?.arrayValue ?? []).prefix(TrailLimits.statements) {
      guard let arn = item.stringValue.map(TrailWords.fitted) else { continue }
      let pair = TrailPair(
        principal: .group(share), role: TrailWords.id(arn, "share", "ram"), permissions: nil,
        scope: TrailWords.path(arn, in: record.account) ?? TrailWords.scope(record.account))
      steps.append(isOn ? .attaches(pair) : .detaches(pair))
    }
    return steps
  }

  // MARK: Event buses

  func eventBusEvents(_ record: TrailRecord) -> [TrailStep]? {
    let bus = names.arn("events", record, "event-bus/\(record.asked("eventBusName") ?? "default")")
    switch record.name {
    case "PutPermission":
      if let policy = record.request["policy"], !policy.isNull { return [shared(bus, policy, record.account)] }
      guard let sid = record.asked("statementId"), let principal = record.asked("principal") else {
        return remark(record, "names no statement or nobody who gets it")
      }
      var condition = JSONObject()
      if let asked = record.request["condition"], let type = asked["type"]?.stringValue, let key = asked["key"]?.stringValue {
        condition[type] = .object([key: asked["value"] ?? ""])
      }
      let document: JSONValue = [
        "Statement": [
          "Effect": "Allow", "Principal": ["AWS": .string(principal)],
          "Action": .string(record.asked("action") ?? "events:PutEvents"), "Resource": .string(bus),
          "Condition": .object(condition),
        ]
      ]
      return [shared(bus, document, record.account, under: TrailWords.id(bus, "policy", sid))]
    case "RemovePermission":
      if record.request["removeAllPermissions"]?.boolValue == true { return [.clears(bus, withAllBelow: true)] }
      guard let sid = record.asked("statementId") else { return remark(record, "names no statement") }
      return [.clears(TrailWords.id(bus, "policy", sid), withAllBelow: false)]
    case "DeleteEventBus":
      return record.asked("name").map { [.clears(names.arn("events", record, "event-bus/\($0)"), withAllBelow: true)] }
    default: return nil
    }
  }
}
