import Governance
import JSON

/// Reads what records changed: each by itself, knowing only the names.
struct TrailReader {
  let names: TrailNames

  /// What a record changed; empty where it only used something.
  func steps(_ record: TrailRecord) -> [TrailStep] {
    guard record.outcome == .allowed else { return [] }
    switch record.service {
    case "iam": return identityEvents(record)
    case "sts", "signin": return sessionEvents(record)
    case "cloudtrail": return loggingEvents(record)
    case "rolesanywhere": return record.isReadOnly ? [] : anchorEvents(record)
    default: return record.isReadOnly ? [] : sharingEvents(record)
    }
  }

  /// A step that says what of a record was not understood.
  func remark(_ record: TrailRecord, _ problem: String) -> [TrailStep] { [.remark("\(record.action) \(problem)")] }

  /// The principal of an ARN, account, service or other name that a document gives, and a condition on which alone it is meant.
  ///
  /// The account whose document it is stands for its users and roles: what is allowed to it, its own policies must give too.
  func principal(
    _ principal: AccessDocument.Principal, _ effect: PermissionEffect, _ own: String
  ) -> (entity: Entity, condition: JSONValue?) {
    switch principal {
    case .everyone: return (.identity(TrailWords.everyone), .none)
    case .service(let name), .federated(let name): return (.identity(TrailWords.fitted(name)), .none)
    case .canonical(let id): return (.identity(TrailWords.fitted("canonical:\(id)")), .none)
    case .named(let text):
      let arn = AmazonName(text)
      let isWhole = arn?.service == "iam" && arn?.resource == "root"
      if let account = AmazonName.isAccount(text) ? text : isWhole ? arn.map({ String($0.account) }) : nil {
        let id = TrailWords.identity(account: account)
        if !account.isExactly(own) { return (.identity(id), .none) }
        return (.group(id), effect == .deny ? .none : Self.permittedByOwnPolicies)
      }
      guard let arn else { return (.identity(TrailWords.fitted(text)), .none) }
      guard let role = arn.assumedRole else { return (.identity(TrailWords.fitted(text)), .none) }
      // One session of a role is meant, which a request may say of itself.
      let known = names.arn(.role, String(AmazonName(role)?.name ?? ""), in: String(arn.account))
      return (.identity(known), ["StringEquals": ["request.attribute.aws:session": [.string(text)]]])
    }
  }

  /// What the trail of an account does not say at once of all its people: whether their own policies permit it.
  private static let permittedByOwnPolicies: JSONValue = ["Bool": ["request.attribute.aws:permitted_by_own_policies": ["true"]]]

  /// The account's own reading of a document that a request holds.
  func document(_ value: JSONValue?, in account: String) -> (AccessDocument?, TrailDocument) {
    guard let value, !value.isNull else { return (nil, TrailDocument(text: "", problem: "the document is not in the trail")) }
    do throws(AccessDocumentError) {
      let document = try AccessDocument(value)
      let permissions = document.permissions(in: account)
      var problem = document.problem
      if permissions == nil, problem == nil { problem = "a statement names no resource" }
      return (document, TrailDocument(permissions: permissions, text: document.text, problem: problem))
    } catch {
      return (nil, TrailDocument(text: "", problem: "the document \(error)"))
    }
  }
}

extension TrailRecord {
  /// A text of the request.
  func asked(_ name: String) -> String? { request[name]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }

  /// A text somewhere in the answer.
  func answered(_ path: String...) -> String? {
    var value = JSONValue.object(response)
    for name in path {
      guard let next = value[name] else { return nil }
      value = next
    }
    return value.stringValue.flatMap { $0.isEmpty ? nil : $0 }
  }
}
