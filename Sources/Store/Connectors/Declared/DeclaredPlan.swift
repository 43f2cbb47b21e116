import AccessGraph
public import EventLog
public import Governance
import JSON
import Temporal

extension DeclaredDirectory {
  /// Plans how the tenant gets from what the source holds now to what is declared; nothing is recorded.
  ///
  /// Personal attributes are compared by their values, which are fetched in one round trip.
  /// - Parameters:
  ///   - tenant: the tenant.
  ///   - authority: what every command carries. The default is *not recorded*.
  ///   - isUnapproved: whether every command says that it is unapproved. The default is that none does.
  /// - Throws: what reading the tenant throws.
  public func plan(
    in tenant: Tenant, authority: Authority = Authority(), isUnapproved: Bool = false
  ) throws -> Plan {
    let now = tenant.now
    var held = try tenant.read { graph in
      Holdings(of: source, in: graph.world(asKnownAt: graph.position), at: now)
    }
    try reveal(&held, tenant)
    let frame = PlanFrame(
      source: source, at: now, isDated: false, authority: authority, isUnapproved: isUnapproved,
      assignmentPrefix: "\(source)@\(now)")
    return try tenant.read { graph in
      Governance.plan(desired, from: held, in: graph.world(asKnownAt: graph.position), for: frame)
    }
  }

  /// The plan as one atomic governed batch; a rule that one command breaks refuses all of it.
  public func submission(of plan: Plan, by recorder: Recorder) -> Submission {
    Submission(mode: .governed, source: source, basis: .declared, recordedBy: recorder, commands: plan.commands)
  }

  private func reveal(_ held: inout Holdings, _ tenant: Tenant) throws {
    if held.sealed.isEmpty { return }
    var facts: [PersonalKey: Fact] = [:]
    for (fact, position) in held.sealed {
      guard case .attribute(_, let name) = fact else { continue }
      facts[PersonalKey(position: position, name: name)] = fact
    }
    for (key, value) in try tenant.personalValues(for: Array(facts.keys)) {
      if let fact = facts[key] { held.reveal(fact, as: value) }
    }
  }
}
