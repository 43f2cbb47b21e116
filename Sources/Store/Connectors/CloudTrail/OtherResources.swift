import Governance
import JSON

/// Services without a reading of their own: any policy document that names principals shares its resource.
extension TrailReader {
  func anyResource(_ record: TrailRecord) -> [TrailStep] {
    let name = record.plainName
    if let found = Self.document(in: record.request) {
      guard let resource = place(record, without: found.member) else { return remark(record, "shares what it does not name") }
      return [shared(resource, found.value, record.account)]
    }
    let sharing = Self.words.contains { name.contains($0) } && !Self.others.contains { name.contains($0) }
    guard sharing else { return [] }
    if name.contains("PublicAccessBlock") {
      return remark(record, "turns a block of public access on or off, and what is blocked is not followed")
    }
    if name.hasPrefix("Delete"), name.contains("Policy"), let resource = place(record, without: "") {
      return [.clears(TrailWords.id(resource, "policy"), withAllBelow: false)]
    }
    return remark(record, "may share access and is not understood")
  }

  /// Words in the names of events that may share something.
  private static let words = [
    "Policy", "Permission", "Grant", "Share", "Acl", "PublicAccess", "Trust", "FunctionUrl", "AccountAssignment",
    "AccessEntry",
  ]
  /// Words that say it is something else, though one of the others is in there.
  private static let others = [
    "NetworkAcl", "ScalingPolicy", "LifecyclePolicy", "WebACL", "CachePolicy", "SharedSnapshotVolume",
  ]

  /// The resource that a record is about, the same for the event that gives it a policy and the one that takes it.
  private func place(_ record: TrailRecord, without document: String) -> String? {
    let texts = record.request.filter { !$0.name.utf8.elementsEqual(document.utf8) }.compactMap { member in
      member.value.stringValue.flatMap { $0.isEmpty ? nil : (name: member.name, text: $0) }
    }
    if let arn = texts.first(where: { AmazonName($0.text) != nil }) { return TrailWords.fitted(arn.text) }
    for rule in ResourceNames.rules[record.service] ?? [] { if let arn = rule.arn(in: record, names) { return arn } }
    // A catalogue is its account's only one, and has no name.
    if record.service == "glue" { return names.arn("glue", record, "catalog") }
    if record.resources.count == 1 { return TrailWords.fitted(record.resources[0]) }
    let named = texts.filter { item in
      let name = item.name.lowercased()
      return ["name", "id", "identifier", "url", "arn", "identity"].contains { name.hasSuffix($0) } && name != "registryid"
    }
    if named.isEmpty { return nil }
    let parts = named.sorted { $0.name.precedes($1.name) }.map { TrailWords.shortened($0.text, to: 200) }
    return names.arn(record.service, record, parts.joined(separator: "/"))
  }
}
