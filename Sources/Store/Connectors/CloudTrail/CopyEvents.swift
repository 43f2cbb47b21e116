import Governance
import JSON

/// Snapshots and images that others may copy.
extension TrailReader {
  /// The steps of an event about a snapshot or an image; nil where it is another event.
  func copyEvents(_ record: TrailRecord) -> [TrailStep]? {
    switch record.name {
    case "ModifySnapshotAttribute", "ResetSnapshotAttribute", "DeleteSnapshot":
      guard let id = record.asked("snapshotId") else { return remark(record, "names no snapshot") }
      let arn = names.arn("ec2", record, account: "", "snapshot/\(id)")
      return shares(record, arn, record.request["createVolumePermission"], ["ec2:CreateVolume", "ec2:CopySnapshot"])
    case "ModifyImageAttribute", "ResetImageAttribute", "DeregisterImage":
      guard let id = record.asked("imageId") else { return remark(record, "names no image") }
      let arn = names.arn("ec2", record, account: "", "image/\(id)")
      return shares(record, arn, record.request["launchPermission"], ["ec2:RunInstances", "ec2:CopyImage"])
    case "ModifyDBSnapshotAttribute", "DeleteDBSnapshot":
      guard let id = record.asked("dBSnapshotIdentifier") else { return remark(record, "names no snapshot") }
      return restores(
        record, names.arn("rds", record, "snapshot:\(id)"), ["rds:RestoreDBInstanceFromDBSnapshot", "rds:CopyDBSnapshot"])
    case "ModifyDBClusterSnapshotAttribute", "DeleteDBClusterSnapshot":
      guard let id = record.asked("dBClusterSnapshotIdentifier") else { return remark(record, "names no snapshot") }
      return restores(
        record, names.arn("rds", record, "cluster-snapshot:\(id)"),
        ["rds:RestoreDBClusterFromSnapshot", "rds:CopyDBClusterSnapshot"])
    default: return nil
    }
  }

  private func shares(_ record: TrailRecord, _ arn: String, _ permission: JSONValue?, _ actions: [String]) -> [TrailStep] {
    guard record.name.hasPrefix("Modify") else { return [.clears(TrailWords.id(arn, "share"), withAllBelow: false)] }
    // Another attribute, such as a description, shares nothing.
    guard let permission else {
      let attribute = record.asked("attributeType") ?? record.asked("attribute")
      return attribute == nil || attribute?.lowercased().contains("permission") == false ? [] : remark(record, "names nobody")
    }
    var steps: [TrailStep] = []
    for (word, isOn) in [("add", true), ("remove", false)] {
      let items = permission[word]?["items"]?.arrayValue ?? permission[word]?.arrayValue ?? []
      for item in items.prefix(TrailLimits.statements) {
        guard let who = Self.receiver(item) else {
          steps += remark(record, "shares with somebody who is not understood")
          continue
        }
        steps.append(share(record, arn, who, actions, isOn))
      }
    }
    return steps.isEmpty ? remark(record, "names nobody") : steps
  }

  private static func receiver(_ item: JSONValue) -> String? {
    if let account = item["userId"]?.stringValue, !account.isEmpty { return TrailWords.identity(account: account) }
    if let group = item["group"]?.stringValue { return group == "all" ? TrailWords.everyone : nil }
    return item["organizationArn"]?.stringValue ?? item["organizationalUnitArn"]?.stringValue
  }

  private func restores(_ record: TrailRecord, _ arn: String, _ actions: [String]) -> [TrailStep] {
    guard record.name.hasPrefix("Modify") else { return [.clears(TrailWords.id(arn, "share"), withAllBelow: false)] }
    guard record.asked("attributeName") == "restore" else { return [] }
    var steps: [TrailStep] = []
    for (member, isOn) in [("valuesToAdd", true), ("valuesToRemove", false)] {
      for value in (record.request[member]?.arrayValue ?? []).prefix(TrailLimits.statements) {
        guard let text = value.stringValue, text == "all" || AmazonName.isAccount(text) else {
          steps += remark(record, "shares with somebody who is not understood")
          continue
        }
        steps.append(
          share(record, arn, text == "all" ? TrailWords.everyone : TrailWords.identity(account: text), actions, isOn))
      }
    }
    return steps.isEmpty ? remark(record, "names nobody") : steps
  }

  /// Somebody may do actions with a resource, or no longer.
  func share(_ record: TrailRecord, _ arn: String, _ who: String, _ actions: [String], _ isOn: Bool) -> TrailStep {
    let scope = TrailWords.path(arn, in: record.account) ?? TrailWords.scope(record.account)
    let pair = TrailPair(
      principal: .identity(TrailWords.fitted(who)), role: TrailWords.id(arn, "share"),
      permissions: [Permission(actions: actions, resources: ["\(TrailWords.scope(record.account))/\(arn)"])], scope: scope)
    return isOn ? .attaches(pair) : .detaches(pair)
  }
}
