import Conditions
import Governance
public import JSON
import Memory
import Temporal

/// What is known of the request that a decision is about.
public enum RequestFacts: Hashable, Sendable {
  /// Nothing: a survey question. What depends on the request stays open.
  case unknown
  /// Its keys without `request.`; what is not among them is absent, as where access is enforced.
  case complete(JSONObject)
  /// Some of its keys; what is not among them stays open, as in a question about the past.
  case partial(JSONObject)

  func find(_ name: String) -> ConditionContext.Finding {
    switch self {
    case .unknown: .open
    case .complete(let keys): keys[name].map(ConditionContext.Finding.init) ?? .absent
    case .partial(let keys): keys[name].map(ConditionContext.Finding.init) ?? .open
    }
  }
}

/// Whether something applies to a bearer.
enum Applies {
  case yes, no
  /// It depends on what is not known.
  case perhaps
}

/// What conditions are judged in: one question at one (t, k), about one resource or none.
struct Circumstances {
  let graph: AccessGraph
  let sight: Sight
  /// The resource that is asked about; nil where the question has none.
  let resource: String?
  var request: RequestFacts = .unknown
  /// Whether the moment is known; over a stretch its clock is not.
  var hasClock = true
  /// Whether there is a resource, though none may be named; a request for a membership has none.
  var hasResource = true
  /// Whether what cannot be evaluated fails, though the request is not known: as it will when the request is made.
  var isEnforced = false

  /// Whether conditions all hold for a bearer.
  ///
  /// - Parameter failing: what a condition that cannot be evaluated comes to where access is enforced; elsewhere it is open,
  ///   for what is unknown is never said to be no access.
  func applies(_ conditions: [Condition], to bearer: Int32, failing: Applies) -> Applies {
    var answer = Applies.yes
    for condition in conditions {
      switch condition.judgement(in: context(of: bearer)) {
      case .yes: break
      case .no: return .no
      case .open: answer = .perhaps
      case .unevaluable:
        if !isEnforced {
          guard case .complete = request else {
            answer = .perhaps
            continue
          }
        }
        if failing == .no { return .no }
      }
    }
    return answer
  }

  /// What is left of conditions for a bearer: each without what is settled; nil where one does not hold.
  func residual(of conditions: [Condition], for bearer: Int32) -> [JSONValue]? {
    var left: [JSONValue] = []
    for condition in conditions {
      switch condition.judgement(in: context(of: bearer)) {
      case .yes: break
      case .no: return nil
      case .open(let rest): left.append(rest)
      case .unevaluable:
        if case .complete = request { return nil }
        left.append(condition.document)
      }
    }
    return AccessGraph.sorted(left)
  }

  private func context(of bearer: Int32) -> ConditionContext {
    ConditionContext(
      at: hasClock ? Instant(microseconds: sight.t) : nil, request: request.find,
      identity: { name in
        switch name {
        case "id": .values([.string(graph.id(bearer))])
        case "kind": graph.identityKind(of: bearer, sight).map { .values([.string($0.rawValue)]) } ?? .absent
        default: graph.attribute(name, of: bearer, sight)
        }
      },
      resource: { name in
        guard let resource else { return hasResource ? .open : .absent }
        if name == "path" { return .values([.string(resource)]) }
        return graph.find(.resource(resource)).map { graph.attribute(name, of: $0, sight) } ?? .absent
      })
  }
}

/// Attributes as conditions see them.
extension AccessGraph {
  func attribute(_ name: String, of node: Int32, _ sight: Sight) -> ConditionContext.Finding {
    guard let fact = attributeFact(name, of: node), let held = holding(fact, sight) else { return .absent }
    switch attributes[Int(held.value)] {
    case .open(let value): return ConditionContext.Finding(value)
    case .sealed: return .unreadable
    }
  }

  func attributeFact(_ name: String, of node: Int32) -> Int32? {
    texts.find(name).flatMap { find(FactKey(kind: .attribute, a: node, b: $0)) }
  }

  func identityKind(of node: Int32, _ sight: Sight) -> IdentityKind? {
    holding(nodes[node].existence, sight).map { IdentityKind.allCases[Int($0.value)] }
  }
}

extension Certainty {
  /// What is left of it where conditions stand on every path.
  func under(_ applies: Applies) -> Certainty {
    switch applies {
    case .yes: self
    case .no: []
    case .perhaps: underCondition
    }
  }
}
