import Cryptography
import Governance
import JSON
import Temporal

/// The state of an account before its trail: what `aws iam get-account-authorization-details` says.
struct Baseline {
  private let path: String
  private let document: JSONValue
  private let digest: String
  /// When the file says that it was made; nil where it does not.
  let statedAt: Instant?

  /// Reads the file.
  ///
  /// - Throws: ``TrailError``.
  init(at path: String) throws(TrailError) {
    document = try TrailFiles.document(at: path)
    self.path = path
    guard let object = document.objectValue, Self.lists.contains(where: { object[$0]?.arrayValue != nil }) else {
      throw TrailError(path, "has none of \(Self.lists.joined(separator: ", "))")
    }
    digest = String(SHA256.digest(document.canonicalBytes()).hexadecimal.prefix(32))
    // What the SDKs keep beside an answer, or what the one who kept it wrote into it.
    let header = document["ResponseMetadata"]?["HTTPHeaders"]?["date"]?.stringValue
    statedAt = document["AsOf"]?.stringValue.flatMap { try? Instant(rfc3339: $0) } ?? header.flatMap(Self.httpDate)
  }

  private static let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"]

  /// What the file says, as readings at one instant: the stated one, or else just before the account's first record.
  ///
  /// - Throws: ``TrailError`` where no instant can be told.
  func readings(
    _ reader: TrailReader, before contents: TrailContents, _ report: inout CloudTrailReport
  ) throws(TrailError) -> [TrailReading] {
    let items = Self.lists.flatMap { list in (document[list]?.arrayValue ?? []).map { (list: list, item: $0) } }
    let account = items.lazy.compactMap { AmazonName($0.item["Arn"]?.stringValue ?? "")?.account }
      .first(where: AmazonName.isAccount).map(String.init)
    guard let account else { throw TrailError(path, "names no account: nothing in it has an `Arn`") }
    let first = contents.uses.first { contents.account($0).isExactly(account) }?.at
    guard let t = statedAt ?? first?.adding(microseconds: -1) else {
      throw TrailError(path, "states no instant, and there is no record of its account \(account) before which it could be")
    }
    report.baseline = "\(t), \(statedAt == nil ? "just before the first record" : "as the file states")"
    // Policies before those who have them, groups before their members.
    let order = ["Policies": 0, "GroupDetailList": 1, "RoleDetailList": 2, "UserDetailList": 3]
    var readings: [TrailReading] = []
    for (index, (list, item)) in items.enumerated().sorted(by: { order[$0.1.list] ?? 0 < order[$1.1.list] ?? 0 }) {
      var record = TrailRecord(baseline: "baseline:\(digest)/\(index)", at: t, account: account)
      guard let arn = item["Arn"]?.stringValue, let name = AmazonName(arn), Limits.problem(identifier: arn) == nil else {
        report.remark("an item of the baseline's \(list) has no Arn")
        continue
      }
      record.name = String(name.name)
      readings.append(TrailReading(record: record, steps: steps(list, arn, item, reader, account), isState: true))
    }
    return readings
  }

  private func steps(
    _ list: String, _ arn: String, _ item: JSONValue, _ reader: TrailReader, _ account: String
  ) -> [TrailStep] {
    var attributes: [String: AttributeValue] = ["account": .open(.string(account))]
    for id in ["UserId", "RoleId", "GroupId"] {
      if let id = item[id]?.stringValue { attributes["aws_id"] = .open(.string(TrailWords.fitted(id))) }
    }
    switch list {
    case "Policies": return policy(arn, item, reader, account)
    case "GroupDetailList":
      let own = held(.group(arn), item, "GroupPolicyList", reader, account)
      return [.begins(.group(arn), .account, attributes)] + own
    case "RoleDetailList":
      let begins: [TrailStep] = [
        .begins(.identity(arn), .assumableRole, attributes), reader.trust(arn, item["AssumeRolePolicyDocument"], account),
      ]
      let profiles = (item["InstanceProfileList"]?.arrayValue ?? []).compactMap { $0["Arn"]?.stringValue }
      return begins + held(.identity(arn), item, "RolePolicyList", reader, account)
        + profiles.map { .attaches(reader.profilePair(TrailWords.fitted($0), arn)) }
    default:
      let groups = (item["GroupList"]?.arrayValue ?? []).compactMap(\.stringValue)
      return [.begins(.identity(arn), .account, attributes)]
        + held(.identity(arn), item, "UserPolicyList", reader, account)
        + groups.map { .joins(group: reader.names.arn(.group, $0, in: account), member: arn) }
    }
  }

  /// The policies that a user, role or group has: inline, attached, and as a boundary.
  private func held(
    _ principal: Entity, _ item: JSONValue, _ list: String, _ reader: TrailReader, _ account: String
  ) -> [TrailStep] {
    var steps: [TrailStep] = []
    for policy in item[list]?.arrayValue ?? [] {
      guard let name = policy["PolicyName"]?.stringValue else { continue }
      steps.append(.puts(reader.inline(principal, name, policy["PolicyDocument"], account)))
    }
    for policy in item["AttachedManagedPolicies"]?.arrayValue ?? [] {
      guard let arn = policy["PolicyArn"]?.stringValue else { continue }
      steps.append(.attaches(reader.attachment(principal, TrailWords.fitted(arn), account)))
    }
    if let arn = item["PermissionsBoundary"]?["PermissionsBoundaryArn"]?.stringValue, principal.kind == .identity {
      steps.append(.bounds(identity: principal.id, policy: TrailWords.fitted(arn)))
    }
    return steps
  }

  private func policy(_ arn: String, _ item: JSONValue, _ reader: TrailReader, _ account: String) -> [TrailStep] {
    let current = item["DefaultVersionId"]?.stringValue
    return (item["PolicyVersionList"]?.arrayValue ?? []).map { version in
      let id = version["VersionId"]?.stringValue ?? ""
      let isDefault = version["IsDefaultVersion"]?.boolValue ?? (id == current)
      let document = reader.document(version["Document"], in: account).1
      return .defines(policy: arn, version: TrailWords.fitted(id.isEmpty ? "v1" : id), isDefault: isDefault, document)
    }
  }

  /// `Mon, 10 Jul 2023 11:00:00 GMT`.
  private static func httpDate(_ text: String) -> Instant? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT" else { return nil }
    let clock = parts[4].split(separator: ":")
    guard clock.count == 3, let hour = Int(clock[0]), (0..<24).contains(hour) else { return nil }
    let half = "\((hour + 11) % 12 + 1):\(clock[1]):\(clock[2]) \(hour < 12 ? "AM" : "PM")"
    return TrailReader.instant("\(parts[2]) \(parts[1]), \(parts[3]) \(half)")
  }
}

extension TrailRecord {
  /// What stands for a record where a baseline says something: nobody's act.
  fileprivate init(baseline id: String, at t: Instant, account: String) {
    (self.id, at, self.account) = (id, t, account)
    (service, name, region) = ("baseline", "", "")
    identity = TrailIdentity(nil)
    (outcome, isReadOnly, resources) = (.allowed, false, [])
  }
}
