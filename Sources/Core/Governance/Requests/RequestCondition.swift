import Conditions
import JSON
import Temporal

/// The conditions of elevation policies.
extension World {
  /// What a condition comes to for a request of an identity at t; what is not known of the request is absent.
  func holds(_ condition: JSONValue, for identity: String, at t: Instant, context: JSONObject, resource: String?) -> Bool {
    func attribute(_ entity: Entity, _ name: String) -> ConditionContext.Finding {
      guard let span = value(of: .attribute(entity, name: name), at: t), case .attribute(let value) = span.value
      else { return .absent }
      switch value {
      case .open(let value): return ConditionContext.Finding(value)
      case .sealed: return .unreadable
      }
    }
    let circumstances = ConditionContext(
      at: t, request: { context[$0].map { ConditionContext.Finding($0) } ?? .absent },
      identity: { name in
        switch name {
        case "id": return .values([.string(identity)])
        case "kind":
          guard case .identity(let kind) = value(of: .existence(.identity(identity)), at: t)?.value else { return .absent }
          return .values([.string(kind.rawValue)])
        default: return attribute(.identity(identity), name)
        }
      },
      resource: { name in
        guard let resource else { return .absent }
        return name == "path" ? .values([.string(resource)]) : attribute(.resource(resource), name)
      })
    return Condition(observed: condition).judgement(in: circumstances) == .yes
  }
}
