import Governance
import JSON
import Temporal

/// Keys, passwords, certificates and sessions.
extension TrailReader {
  /// The steps of an event of IAM about a credential; nil where it is another event.
  func credentialEvents(_ record: TrailRecord) -> [TrailStep]? {
    guard let kind = Self.credentials.first(where: { record.name.hasSuffix($0.suffix) }) else { return nil }
    let verb = String(record.name.dropLast(kind.suffix.count))
    guard ["Create", "Upload", "Delete", "Update", "Reset"].contains(verb) else { return nil }
    let user = owner(record, kind.member)
    if kind.suffix == "LoginProfile" {
      guard let user else { return remark(record, "names no user") }
      let id = TrailWords.id(user, "login-profile")
      if verb == "Update" { return [] }
      if verb == "Delete" { return [.revokes(id)] }
      return [.issues(TrailCredential(id: id, kind: .password, identity: user, holder: record.identity.id))]
    }
    guard let id = (record.answered(kind.member, kind.id) ?? record.asked(kind.id)).map(TrailWords.fitted) else {
      return remark(record, "names no credential")
    }
    switch verb {
    case "Delete": return [.revokes(id)]
    case "Reset": return []
    case "Update" where record.asked("status") == "Inactive": return [.revokes(id)]
    case "Update" where record.asked("status") != "Active": return []
    default: break
    }
    guard let user else { return remark(record, "names no user") }
    // Whoever makes a key has it in hand; for whom it was made is its identity.
    let holder = verb == "Update" ? nil : record.identity.id
    return [.issues(TrailCredential(id: id, kind: kind.kind, identity: user, holder: holder))]
  }

  private static let credentials: [(suffix: String, kind: TrailCredential.Kind, member: String, id: String)] = [
    ("AccessKey", .key, "accessKey", "accessKeyId"), ("LoginProfile", .password, "loginProfile", ""),
    ("ServiceSpecificCredential", .password, "serviceSpecificCredential", "serviceSpecificCredentialId"),
    ("SigningCertificate", .certificate, "certificate", "certificateId"),
    ("SSHPublicKey", .key, "sSHPublicKey", "sSHPublicKeyId"),
  ]

  /// The user whom a credential is for: who is named, or else who calls.
  private func owner(_ record: TrailRecord, _ member: String) -> String? {
    if let name = record.asked("userName") ?? record.answered(member, "userName") {
      return names.arn(.user, name, in: record.account)
    }
    return AmazonName(record.identity.id) == nil ? nil : record.identity.id
  }

  // MARK: Sessions

  /// Sessions that a record opens: by assuming a role, by a token, or in the console.
  func sessionEvents(_ record: TrailRecord) -> [TrailStep] {
    switch record.name {
    case "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot":
      guard let role = record.asked("roleArn") ?? record.asked("targetPrincipal") else {
        return remark(record, "names no role")
      }
      let arn = AmazonName(role)
      let known = arn.map { names.arn(.role, String($0.name), in: String($0.account)) } ?? role
      guard var session = session(record, as: TrailWords.fitted(known)) else { return [] }
      if let name = record.asked("roleSessionName") { session.attributes["session"] = .open(.string(TrailWords.fitted(name))) }
      return [.issues(session)]
    case "GetSessionToken", "GetFederationToken":
      return session(record, as: record.identity.id).map { [.issues($0)] } ?? []
    case "ConsoleLogin":
      var session = TrailCredential(
        id: TrailWords.fitted("console:\(record.id)"), kind: .session, identity: record.identity.id, holder: record.identity.id)
      session.attributes["console"] = .open(true)
      if let factor = record.additional["MFAUsed"]?.stringValue { session.attributes["mfa"] = .open(.bool(factor == "Yes")) }
      return [.issues(session)]
    default: return []
    }
  }

  private func session(_ record: TrailRecord, as identity: String) -> TrailCredential? {
    guard let id = record.answered("credentials", "accessKeyId") else { return nil }
    var session = TrailCredential(
      id: TrailWords.fitted(id), kind: .session, identity: identity, holder: record.identity.id, parent: record.identity.key)
    if let text = record.answered("credentials", "expiration") { session.expiresAt = TrailReader.instant(text) }
    // Without a stated end, the length that was asked for counts.
    if session.expiresAt == nil, case .integer(let seconds) = record.request["durationSeconds"],
      (1...maximumSession).contains(seconds)
    {
      session.expiresAt = record.at.adding(microseconds: seconds * 1_000_000)
    }
    if let end = session.expiresAt, end <= record.at { session.expiresAt = nil }
    return session
  }

  /// Seconds of the longest session: a federation token's 36 hours, with room.
  private var maximumSession: Int64 { 604_800 }

  /// The session or key that a record was made with, as far as its use tells.
  func seen(_ record: TrailRecord) -> TrailCredential? {
    let identity = record.identity
    guard let key = identity.key, !key.isEmpty, AmazonName(identity.id) != nil else { return nil }
    var credential = TrailCredential(
      id: key, kind: identity.sessionKey == nil ? .key : .session, identity: identity.id, isAssumed: true)
    if let name = identity.sessionName { credential.attributes["session"] = .open(.string(name)) }
    if let factor = identity.hadSecondFactor { credential.attributes["mfa"] = .open(.bool(factor)) }
    return credential
  }

  /// `Jul 10, 2023 12:09:47 PM`, as CloudTrail writes instants in answers, or RFC 3339.
  static func instant(_ text: String) -> Instant? {
    if let instant = try? Instant(rfc3339: text) { return instant }
    let parts = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == ":" || $0 == "\u{202F}" })
    guard parts.count == 7, let month = months.firstIndex(of: String(parts[0])), let day = Int(parts[1]),
      let year = Int(parts[2]), let hour = Int(parts[3]), let minute = Int64(parts[4]), let second = Int64(parts[5]),
      (1...12).contains(hour), (0..<60).contains(minute), (0..<60).contains(second), ["AM", "PM"].contains(parts[6])
    else { return nil }
    let hours = Int64(hour % 12 + (parts[6] == "PM" ? 12 : 0))
    return Instant(
      year: year, month: month + 1, day: day, microsecondOfDay: (hours * 3600 + minute * 60 + second) * 1_000_000)
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
