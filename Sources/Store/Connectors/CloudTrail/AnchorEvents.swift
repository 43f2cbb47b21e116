import Governance
import JSON

/// IAM Roles Anywhere: certificates of an outside authority, the trust anchor, become the roles of a profile.
///
/// Whoever holds a certificate of any anchor of the account and region is in one group, which profiles give their roles to.
extension TrailReader {
  func anchorEvents(_ record: TrailRecord) -> [TrailStep] {
    let group = names.arn("rolesanywhere", record, "trust-anchors")
    switch record.name {
    case "CreateTrustAnchor", "UpdateTrustAnchor", "EnableTrustAnchor", "DisableTrustAnchor", "DeleteTrustAnchor":
      let id = record.answered("trustAnchor", "trustAnchorArn") ?? record.asked("trustAnchorId")
      guard let id else { return remark(record, "names no trust anchor") }
      let anchor = AmazonName(id) == nil ? names.arn("rolesanywhere", record, "trust-anchor/\(id)") : TrailWords.fitted(id)
      if record.name == "DeleteTrustAnchor" { return [.ends(.identity(anchor))] }
      if record.name == "DisableTrustAnchor" { return [.leaves(group: group, member: anchor)] }
      if record.name == "EnableTrustAnchor" { return [.joins(group: group, member: anchor)] }
      if record.name == "UpdateTrustAnchor" { return [] }
      let isOn = enabled(record, "trustAnchor")
      let begins = TrailStep.begins(.identity(anchor), .external, ["account": .open(.string(record.account))])
      return [begins] + (isOn ? [.joins(group: group, member: anchor)] : [])
    case "CreateProfile", "UpdateProfile", "EnableProfile", "DisableProfile", "DeleteProfile":
      guard let id = record.answered("profile", "profileArn") ?? record.asked("profileId") else {
        return remark(record, "names no profile")
      }
      let profile = AmazonName(id) == nil ? names.arn("rolesanywhere", record, "profile/\(id)") : TrailWords.fitted(id)
      let role = TrailWords.id(profile, "trust")
      if record.name == "DeleteProfile" || !enabled(record, "profile") { return [.clears(role, withAllBelow: false)] }
      guard let roles = (record.response["profile"]?["roleArns"] ?? record.request["roleArns"])?.arrayValue else {
        return remark(record, "names no roles")
      }
      let parts = roles.prefix(TrailLimits.statements).compactMap(\.stringValue).map { role in
        TrailSlot.Part(
          role: TrailWords.id(profile, "trust"), permissions: [Self.assuming], principal: .group(group),
          scope: Self.scope(becoming: TrailWords.fitted(role)), condition: .none)
      }
      return [.puts(TrailSlot(role: role, permissions: [Self.assuming], document: TrailDocument(text: ""), parts: parts))]
    default:
      return record.name.hasPrefix("Tag") || record.name.hasPrefix("Untag") || record.name.hasSuffix("Crl")
        || record.name.hasSuffix("NotificationSettings") || record.name == "CreateSession" ? [] : remark(record, "is not known")
    }
  }

  private func enabled(_ record: TrailRecord, _ member: String) -> Bool {
    record.response[member]?["enabled"]?.boolValue ?? record.request["enabled"]?.boolValue ?? !record.name.hasPrefix("Disable")
  }
}
