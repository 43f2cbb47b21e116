import Governance
import JSON

/// Policies that resources have: whom outside IAM they let do what.
extension TrailReader {
  /// The document of a resource in place of the one before: a role for each statement, given to whom the statement names.
  func shared(_ resource: String, _ value: JSONValue?, _ account: String, under role: String? = nil) -> TrailStep {
    let (document, written) = document(value, in: account)
    let marker = role ?? TrailWords.id(resource, "policy")
    var slot = TrailSlot(role: marker, permissions: [], document: written, parts: [])
    slot.document.problem = document == nil ? written.problem : document?.problem
    let count = document?.statements.reduce(0) { $0 + max(1, $1.principals.count) } ?? 0
    if count > TrailLimits.grantsPerDocument { slot.document.problem = "the document names too many principals" }
    guard let document, count <= TrailLimits.grantsPerDocument else {
      // Anybody may have got anything by it.
      slot.parts = [
        TrailSlot.Part(
          role: TrailWords.id(marker, "0"), permissions: nil, principal: .identity(TrailWords.everyone),
          scope: TrailWords.path(resource, in: account) ?? TrailWords.scope(account), condition: .none)
      ]
      return .puts(slot)
    }
    for (index, statement) in document.statements.enumerated() {
      var statement = statement
      // Some services leave the resource out, for it can only be the one that has the policy.
      if statement.resources.isEmpty { statement.resources = [resource, "\(resource)/*"] }
      let permissions = statement.knownPermission(in: account).map { [$0] }
      let principals = statement.principals.isEmpty ? [.everyone] : statement.principals
      for named in principals {
        let (principal, condition) = principal(named, statement.effect, account)
        slot.parts.append(
          TrailSlot.Part(
            role: TrailWords.id(marker, "\(index)"), permissions: permissions, principal: principal,
            // Whatever its statements say, also `*`: it is about the resource that has it, and nothing beside.
            scope: TrailWords.path(resource, in: account) ?? TrailWords.scope(account), condition: condition))
      }
    }
    return .puts(slot)
  }

  /// A policy document somewhere in a request: the first member, however deep, that reads as one and names principals.
  static func document(in request: JSONObject, depth: Int = 3) -> (member: String, value: JSONValue)? {
    for member in request {
      switch member.value {
      case .string(let text) where text.utf8.contains(UInt8(ascii: "{")) || text.hasPrefix("%7B"):
        if isResourceDocument(member.value) { return (member.name, member.value) }
      case .object(let object):
        if isResourceDocument(member.value) { return (member.name, member.value) }
        if depth > 0, let found = document(in: object, depth: depth - 1) { return (member.name, found.value) }
      case .array(let items) where depth > 0:
        for item in items.prefix(TrailLimits.statements) {
          guard let object = item.objectValue, let found = document(in: object, depth: depth - 1) else { continue }
          return (member.name, found.value)
        }
      default: continue
      }
    }
    return nil
  }

  private static func isResourceDocument(_ value: JSONValue) -> Bool {
    guard let object = try? AccessDocument.document(value), let statement = object["Statement"] else { return false }
    return (statement.arrayValue ?? [statement]).contains { item in
      item.objectValue?.contains { $0.name == "Principal" || $0.name == "NotPrincipal" } ?? false
    }
  }
}
