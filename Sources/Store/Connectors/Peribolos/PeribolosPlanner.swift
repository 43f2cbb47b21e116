import Governance
import Temporal

/// Turns a configuration's changes into commands, commit after commit.
///
/// The first plan goes from what the source holds in the world to all that the configuration says; every later one looks at
/// the changed units only, since what the source holds is then what the configuration said before.
struct PeribolosPlanner {
  private let source: String
  private var held: Holdings
  /// In how many units each identity is.
  private var units: [Entity: Int] = [:]
  /// What is desired no more and stayed, because another source has a fact about it.
  private var kept: Set<Entity> = []
  private var isFirst = true

  /// - Parameters:
  ///   - source: the source of the facts.
  ///   - held: what the source holds at the moment of the first plan.
  init(source: String, from held: Holdings) {
    self.source = source
    self.held = held
    // The coverage tells how far the history was read; no commit says anything of it.
    self.held.removeAll { if case .coverage = $0 { true } else { false } }
  }

  /// Plans a commit that takes effect at t and takes over what it changes.
  mutating func plan(
    _ commit: Commit, at t: Instant, before: [OrganisationUnit], after: [OrganisationUnit],
    of configuration: PeribolosConfiguration,
    in world: some World
  ) -> Plan {
    let frame = PlanFrame(
      source: source, at: t, isDated: true, authority: commit.authority, assignmentPrefix: "\(source)@\(commit.id)")
    let plan = isFirst ? firstPlan(configuration.units, in: world, frame) : laterPlan(before, after, in: world, frame)
    isFirst = false
    held.apply(plan)
    kept.formUnion(plan.kept)
    return plan
  }

  private mutating func firstPlan(_ all: [OrganisationUnit], in world: some World, _ frame: PlanFrame) -> Plan {
    var desired = DesiredState()
    desired.insert(.sourceRegistered(id: source, attributes: [:]))
    for permission in RepositoryPermission.allCases { desired.insert(permission.definition) }
    for unit in all { desired.insert(unit) }
    for unit in all { count(unit, by: 1) }
    return Governance.plan(desired, from: held, in: world, for: frame)
  }

  private mutating func laterPlan(
    _ before: [OrganisationUnit], _ after: [OrganisationUnit], in world: some World, _ frame: PlanFrame
  ) -> Plan {
    let old = Dictionary(before.map { ($0.group, $0) }, uniquingKeysWith: { $1 })
    let new = Dictionary(after.map { ($0.group, $0) }, uniquingKeysWith: { $1 })
    var (former, desired) = (DesiredState(), DesiredState())
    for unit in before { take(unit, in: &former, unless: new[unit.group], by: -1) }
    for unit in after { take(unit, in: &desired, unless: old[unit.group], by: 1) }
    for case .existence(let entity) in former.facts.keys where units[entity] != nil { desired.insert(account: entity) }
    var current = held.part(spokenOfBy: former, or: desired)
    kept = kept.filter { desired.facts[.existence($0)] == nil }
    for entity in kept {
      current.take(.existence(entity), from: held)
      current.take(.attribute(entity, name: "name_only"), from: held)
    }
    return Governance.plan(desired, from: current, in: world, for: frame)
  }

  private mutating func take(
    _ unit: OrganisationUnit, in state: inout DesiredState, unless other: OrganisationUnit?, by step: Int
  ) {
    let part = other.map(unit.without) ?? unit
    state.insert(part)
    count(part, by: step)
  }

  private mutating func count(_ unit: OrganisationUnit, by step: Int) {
    for login in Set(unit.people) {
      let identity = OrganisationUnit.identity(login)
      let count = units[identity, default: 0] + step
      units[identity] = count == 0 ? nil : count
    }
  }
}
