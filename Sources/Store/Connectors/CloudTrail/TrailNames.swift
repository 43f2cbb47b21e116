import Governance
import JSON

/// The ARNs that belong to the short names of a trail: requests say `roleName`, and only answers say the path.
struct TrailNames {
  /// What kinds of IAM's things have names.
  enum Kind: String { case user, role, group, policy, instanceProfile = "instance-profile" }

  private struct Key: Hashable {
    let account: String
    let kind: Kind
    /// In lower case: IAM takes names for the same whatever their case.
    let name: String
  }
  private var arns: [Key: String] = [:]
  private var partitions: [String: String] = [:]

  /// Keeps an ARN for its name; one with a path says more than one that was made up without.
  mutating func learn(_ text: String) {
    guard let arn = AmazonName(text), arn.service == "iam", AmazonName.mayBeAccount(arn.account),
      let kind = Kind(rawValue: String(arn.kind)), Limits.problem(identifier: text) == nil
    else { return }
    let account = String(arn.account)
    partitions[account] = String(arn.partition)
    let key = Key(account: account, kind: kind, name: arn.name.lowercased())
    if let known = arns[key], known.utf8.count >= text.utf8.count { return }
    arns[key] = text
  }

  /// Keeps the ARNs that a record names.
  mutating func learn(_ record: TrailRecord) {
    learn(record.identity.id)
    for arn in record.resources { learn(arn) }
    guard record.service == "iam" || record.service == "sts" else { return }
    for member in record.request { if let text = member.value.stringValue { learn(text) } }
    for member in record.response { if let text = member.value["arn"]?.stringValue { learn(text) } }
  }

  /// Keeps the ARNs of users and groups under the names that they were given, in the order of time.
  mutating func learnRenamed(_ records: [TrailRecord]) {
    let renames = records.filter { $0.service == "iam" && ($0.name == "UpdateUser" || $0.name == "UpdateGroup") }
    for record in renames.sorted(by: { $0.at < $1.at }) {
      for case .renames(_, let new, _) in TrailReader(names: self).steps(record) { learn(new.id) }
    }
  }

  func partition(_ account: String) -> String { partitions[account] ?? "aws" }

  /// The ARN of a name; without a path where none was seen.
  func arn(_ kind: Kind, _ name: String, in account: String) -> String {
    let key = Key(account: account, kind: kind, name: name.lowercased())
    return TrailWords.fitted(arns[key] ?? "arn:\(partition(account)):iam::\(account):\(kind.rawValue)/\(name)")
  }

  /// The ARN of something that is no identity.
  func arn(_ service: String, _ record: TrailRecord, region: String? = nil, account: String? = nil, _ resource: String)
    -> String
  {
    let place = "\(region ?? record.region):\(account ?? record.account)"
    return TrailWords.fitted("arn:\(partition(record.account)):\(service):\(place):\(resource)")
  }
}
