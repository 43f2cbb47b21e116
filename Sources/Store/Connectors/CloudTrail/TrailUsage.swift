import Governance
import JSON
import Usage

extension TrailReader {
  /// What a record is as usage: every record is.
  func usage(_ record: TrailRecord, of resource: TrailResource?) -> UsageRecord {
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
      id: record.id, at: record.at, identity: identity.id, action: action, sourceAction: source,
      resource: resource.flatMap { path(of: $0, in: record.account) }, isResourceDerived: true,
      session: identity.sessionKey ?? identity.sessionName, credential: identity.key,
      address: fitted(record.address, UsageLimits.addressBytes), agent: fitted(record.agent, UsageLimits.agentBytes),
      outcome: outcome, errorCode: fitted(record.errorCode, UsageLimits.errorCodeBytes))
  }

  /// The path of a resource, with the names that are known by now.
  private func path(of resource: TrailResource, in account: String) -> String? {
    switch resource {
    case .path(let path): path
    case .named(let kind, let name): TrailWords.path(names.arn(kind, name, in: account), in: account)
    case .all: "\(TrailWords.scope(account))/*"
    }
  }

  /// The resource that a record names; nil where it names none that can be told.
  ///
  /// What looks at all there is, as lists do, is judged by AWS as done with `*`, and so it stands here.
  func resource(_ record: TrailRecord) -> TrailResource? {
    // Becoming a role is given by a trust, which stands on the identity and not on the resource: the session tells of it.
    if record.service == "sts", record.action.contains(":AssumeRole") { return nil }
    for arn in record.resources.filter({ AmazonName($0)?.service != "kms" }) + record.resources {
      if let path = TrailWords.path(arn, in: record.account) { return .path(path) }
    }
    if let found = named(record) { return found }
    let looks = record.isReadOnly || Self.looking.contains { record.name.hasPrefix($0) }
    let asksNothing = record.request.isEmpty && record.name.hasPrefix("Get")
    return looks && (asksNothing || Self.looking.contains { record.name.hasPrefix($0) }) ? .all : nil
  }

  /// What the names of events begin with that look at all there is.
  private static let looking = ["List", "Describe", "Lookup", "Search"]

  private func named(_ record: TrailRecord) -> TrailResource? {
    func path(_ arn: String) -> TrailResource? { TrailWords.path(arn, in: record.account).map { .path($0) } }
    for member in record.request {
      if let text = member.value.stringValue, text.hasPrefix("arn:"), AmazonName(text) != nil { return path(text) }
    }
    if record.service == "iam" || record.service == "sts" {
      for kind in [TrailNames.Kind.role, .user, .group, .instanceProfile] {
        if let name = record.asked("\(kind.parameter)Name") { return .named(kind, name) }
      }
      // Whoever asks about nobody asks about itself.
      let isOwn = ["GetUser", "ListAccessKeys", "ChangePassword", "CreateAccessKey"].contains(record.name)
      return isOwn ? path(record.identity.id) : nil
    }
    if record.service == "s3" {
      guard let bucket = record.asked("bucketName") else { return nil }
      let arn = "arn:\(names.partition(record.account)):s3:::\(bucket)"
      return record.asked("key").flatMap { path("\(arn)/\($0)") } ?? path(arn)
    }
    for rule in ResourceNames.rules[record.service] ?? [] {
      if let arn = rule.arn(in: record, names) { return path(arn) }
    }
    return nil
  }
}

/// The resource of a use.
enum TrailResource: Hashable {
  case path(String)
  /// Something of IAM's whose path another record may tell.
  case named(TrailNames.Kind, String)
  /// All of the account.
  case all

  static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.path(let a), .path(let b)): a.isExactly(b)
    case (.named(let a, let b), .named(let c, let d)): a == c && b.isExactly(d)
    case (.all, .all): true
    default: false
    }
  }
}

extension TrailNames.Kind {
  /// How requests call it.
  var parameter: String { self == .instanceProfile ? "instanceProfile" : rawValue }
}
