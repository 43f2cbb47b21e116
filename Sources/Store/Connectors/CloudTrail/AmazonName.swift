import Governance

/// An Amazon resource name (ARN) in its six parts: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
struct AmazonName: Hashable {
  let text: String
  let partition: Substring
  let service: Substring
  let region: Substring
  /// Twelve digits, `aws` for what Amazon owns, or empty.
  let account: Substring
  let resource: Substring

  init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "arn", !parts[2].isEmpty, !parts[5].isEmpty else { return nil }
    self.text = text
    (partition, service, region, account, resource) = (parts[1], parts[2], parts[3], parts[4], parts[5])
  }

  /// What stands before the first `/` of the resource: `user`, `role`, `assumed-role`.
  var kind: Substring { resource.prefix { $0 != "/" } }

  /// What stands behind the last `/` of the resource: the name without its path.
  var name: Substring { resource.split(separator: "/").last ?? resource }

  /// The role whose session `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` names; its path is not in there.
  var assumedRole: String? {
    guard service == "sts", kind == "assumed-role" else { return nil }
    let parts = resource.split(separator: "/")
    return parts.count >= 2 ? "arn:\(partition):iam::\(account):role/\(parts[1])" : nil
  }

  /// Whether the text is the number of an account.
  static func isAccount(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 12 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Whether the text may stand for the number of an account that whoever hands a trail on keeps to himself: `REDACTED`, `acct-1`.
  static func mayBeAccount(_ text: some StringProtocol) -> Bool {
    guard (1...longestStandIn).contains(text.utf8.count), text != "aws", text != "ANONYMOUS_PRINCIPAL" else { return false }
    return text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic && $0.isASCII || ("0"..."9").contains($0) || $0 == "-" || $0 == "_"
    }
  }

  /// Bytes of what stands for an account's number: a digest of it at most.
  private static let longestStandIn = 64
}

/// How the connector writes what a trail names.
enum TrailWords {
  /// What the source of every import begins with; the account's number follows.
  static let sourcePrefix = "cloudtrail:"
  /// The role of whoever was there before the trail: what they were given then is not known.
  static let unrecordedRole = "aws:unrecorded"
  /// Everybody on earth.
  static let everyone = BuiltIn.everyone
  /// Everybody with some account at Amazon.
  static let authenticated = BuiltIn.authenticated

  /// All of an account, which scopes and coverage name.
  static func scope(_ account: String) -> String { "aws/\(account)" }

  /// The identity that stands for an account as a whole.
  static func identity(account: some StringProtocol) -> String { BuiltIn.accountPrefix + account }

  /// The path of a resource that an account's trail names; nil where it cannot be one.
  static func path(_ arn: String, in account: String) -> String? {
    let path = "\(scope(account))/\(arn)"
    return Limits.problem(path: path) == nil ? path : nil
  }

  /// The id of what belongs to another thing: `ARN/inline/NAME`; one that is too long is cut and told apart by its digest.
  static func id(_ parts: String...) -> String { fitted(parts.joined(separator: "/")) }
}
