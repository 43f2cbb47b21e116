import Governance
import JSON
import Usage

extension TrailReader {
  /// What a record is as usage: every record is.
  func usage(_ record: TrailRecord) -> UsageRecord {
    let identity = record.identity
    func fitted(_ text: String?, _ bytes: Int) -> String? {
      text.map { TrailWords.shortened($0, to: bytes) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    let source = TrailWords.shortened(record.action, to: UsageLimits.actionBytes)
    let action = ActionNames.permission(for: source)
    let outcome: UsageOutcome =
      switch record.outcome {
      case .allowed: .allowed
      case .denied: .denied
      case .failed: .failed
      }
    return UsageRecord(
      id: record.id, at: record.at, identity: identity.id, action: action, sourceAction: source, resource: resource(record),
      session: identity.sessionKey ?? identity.sessionName, credential: identity.key,
      address: fitted(record.address, UsageLimits.addressBytes), agent: fitted(record.agent, UsageLimits.agentBytes),
      outcome: outcome, errorCode: fitted(record.errorCode, UsageLimits.errorCodeBytes))
  }

  /// The resource that a record names, below its account; nil where it names none.
  func resource(_ record: TrailRecord) -> String? {
    // Becoming a role is given by a trust, which stands on the identity and not on the resource: the session tells of it.
    if record.service == "sts", record.action.contains(":AssumeRole") { return nil }
    for arn in record.resources.filter({ AmazonName($0)?.service != "kms" }) + record.resources {
      if let path = TrailWords.path(arn, in: record.account) { return path }
    }
    return named(record).flatMap { TrailWords.path($0, in: record.account) }
  }

  private func named(_ record: TrailRecord) -> String? {
    for member in record.request {
      if let text = member.value.stringValue, text.hasPrefix("arn:"), AmazonName(text) != nil { return text }
    }
    func made(_ member: String, _ resource: (String) -> String) -> String? { record.asked(member).map(resource) }
    switch record.service {
    case "iam", "sts":
      return made("roleName") { names.arn(.role, $0, in: record.account) }
        ?? made("userName") { names.arn(.user, $0, in: record.account) }
        ?? made("groupName") { names.arn(.group, $0, in: record.account) }
        ?? made("instanceProfileName") { names.arn(.instanceProfile, $0, in: record.account) }
    case "s3":
      guard let bucket = record.asked("bucketName") else { return nil }
      let arn = "arn:\(names.partition(record.account)):s3:::\(bucket)"
      let key = record.asked("key").map { "\(arn)/\($0)" }
      return key.flatMap { TrailWords.path($0, in: record.account) == nil ? nil : $0 } ?? arn
    case "lambda": return made("functionName") { names.arn("lambda", record, "function:\($0)") }
    case "dynamodb": return made("tableName") { names.arn("dynamodb", record, "table/\($0)") }
    case "secretsmanager": return made("secretId") { names.arn("secretsmanager", record, "secret:\($0)") }
    case "ssm": return made("name") { names.arn("ssm", record, "parameter/\($0.drop { $0 == "/" })") }
    case "ec2":
      return made("instanceId") { names.arn("ec2", record, "instance/\($0)") }
        ?? made("snapshotId") { names.arn("ec2", record, account: "", "snapshot/\($0)") }
        ?? made("imageId") { names.arn("ec2", record, account: "", "image/\($0)") }
    case "rds":
      return made("dBInstanceIdentifier") { names.arn("rds", record, "db:\($0)") }
        ?? made("dBSnapshotIdentifier") { names.arn("rds", record, "snapshot:\($0)") }
    case "cloudtrail":
      return (record.asked("name") ?? record.asked("trailName")).map { names.arn("cloudtrail", record, "trail/\($0)") }
    default: return nil
    }
  }
}
