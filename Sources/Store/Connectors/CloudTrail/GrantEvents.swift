import Governance
import JSON

/// Policies that users, roles and groups have: inline, attached, and as a boundary.
extension TrailReader {
  /// The steps of an event that gives or takes a policy; nil where it is another event.
  func grantEvents(_ record: TrailRecord) -> [TrailStep]? {
    guard let (verb, word, what) = Self.parts(of: record.name) else { return nil }
    guard let kind = TrailNames.Kind(rawValue: word), let name = record.asked("\(word)Name") else {
      return remark(record, "names no \(word)")
    }
    let arn = names.arn(kind, name, in: record.account)
    let principal: Entity = kind == .group ? .group(arn) : .identity(arn)
    switch (verb, what) {
    case ("Put", "PermissionsBoundary"):
      guard let policy = record.asked("permissionsBoundary") else { return remark(record, "names no policy") }
      return [.bounds(identity: arn, policy: TrailWords.fitted(policy))]
    case ("Delete", "PermissionsBoundary"): return [.unbounds(identity: arn)]
    case ("Attach", "Policy"), ("Detach", "Policy"):
      guard let policy = record.asked("policyArn") else { return remark(record, "names no policy") }
      let pair = attachment(principal, TrailWords.fitted(policy), record.account)
      return [verb == "Attach" ? .attaches(pair) : .detaches(pair)]
    case ("Put", "Policy"):
      guard let policy = record.asked("policyName") else { return remark(record, "names no policy") }
      return [.puts(inline(principal, policy, record.request["policyDocument"], record.account))]
    case ("Delete", "Policy"):
      guard let policy = record.asked("policyName") else { return remark(record, "names no policy") }
      return [.clears(TrailWords.id(arn, "inline", policy), withAllBelow: false)]
    default: return nil
    }
  }

  /// `AttachUserPolicy` in its parts.
  private static func parts(of name: String) -> (verb: String, word: String, what: String)? {
    for verb in ["Attach", "Detach", "Put", "Delete"] where name.hasPrefix(verb) {
      for word in ["User", "Role", "Group"] where name.dropFirst(verb.count).hasPrefix(word) {
        let what = String(name.dropFirst(verb.count + word.count))
        return what == "Policy" || what == "PermissionsBoundary" ? (verb, word.lowercased(), what) : nil
      }
    }
    return nil
  }

  /// A managed policy that a principal has.
  func attachment(_ principal: Entity, _ policy: String, _ account: String) -> TrailPair {
    TrailPair(principal: principal, role: policy, permissions: nil, scope: TrailWords.scope(account))
  }

  /// A document that is a principal's own.
  func inline(_ principal: Entity, _ name: String, _ value: JSONValue?, _ account: String) -> TrailSlot {
    let document = document(value, in: account).1
    let role = TrailWords.id(principal.id, "inline", name)
    let part = TrailSlot.Part(
      role: role, permissions: document.permissions, principal: principal, scope: TrailWords.scope(account), condition: .none)
    return TrailSlot(role: role, permissions: document.permissions, document: document, parts: [part])
  }
}
