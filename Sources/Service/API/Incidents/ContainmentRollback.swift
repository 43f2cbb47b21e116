import AccessGraph
import EventLog
public import Governance
import JSON
import Temporal

/// What somebody has to decide himself, because another has changed it since, or because it cannot be put back.
public struct UndecidedChange: Hashable, Sendable {
  /// What was changed.
  public var entity: Entity
  /// Who changed it, and why it is not put back.
  public var because: String
}

/// What parties of an incident changed in roles and policies, and how far they put off ends, put back to what was in force before.
///
/// Only what nobody else has changed since: over that a revision of before would write unseen. A role that a party made is left: what
/// the parties gave of it is ended, and to nobody else it gives anything. A policy that a party made is retired, for it works by itself.
struct ContainmentRollback<W: World> {
  let world: W
  let at: Instant
  let authority: Authority
  /// The facts that are ended anyway.
  let ended: Set<Fact>
  /// The parties' events, by position.
  private let own: [Int64: Event]
  private(set) var steps: [ContainmentStep] = []
  /// What the steps were made from.
  private(set) var premises: [Premise] = []
  /// What is to be decided by hand, with the event of whoever else changed it since, if that is why.
  private(set) var undecided: [(entity: Entity, problem: String, since: Int64?)] = []

  init(of events: [Event], in world: W, at: Instant, authority: Authority, ended: Set<Fact>) {
    (self.world, self.at, self.authority, self.ended) = (world, at, authority, ended)
    own = Dictionary(events.map { ($0.position, $0) }) { first, _ in first }
    var seen: Set<Entity> = []
    for event in events {
      switch event.change {
      case .roleDefined, .roleRetired, .policyDefined, .policyRetired:
        if seen.insert(event.change.entity).inserted { putBack(event.change.entity) }
      case .assignmentExtended(let id, _):
        if seen.insert(Entity(.assignment, id)).inserted, !ended.contains(.assignment(id: id)) { putBack(extended: id) }
      default: continue
      }
    }
  }

  // MARK: Roles and policies

  private mutating func putBack(_ entity: Entity) {
    let fact = Fact.existence(entity)
    let entries = world.entries(of: fact)
    guard let run = lastRun(of: entries, entity) else { return }
    var former: FactValue?
    if case .begins(let value, _)? = run.before?.effect { former = value }
    let attributes = attributes(of: entity, before: run.first, isGone: !world.exists(entity, at: at))
    let current = world.value(of: fact, at: at)?.value
    guard let former else { return takeBack(made: entity, current, run.first) }
    if former == current, attributes.isEmpty { return }
    guard let change = Self.change(entity, former, attributes) else {
      return undecided.append((entity, "what it was before is not known", nil))
    }
    premises.append(Premise(fact, in: world))
    steps.append(
      ContainmentStep(
        command: Command(change, expecting: current == nil ? .absent : .present, authority: authority),
        text: "put \(entity) back to what it was before event \(run.first.position)",
        because: "\(current == nil ? "retired" : "changed") by \(actor(run.first.position))",
        breaks: Self.difference(from: current, to: former)))
  }

  /// The parties' last changes up to now, and what was before them; nil where others have changed it since.
  private mutating func lastRun(of entries: [Entry], _ entity: Entity) -> (before: Entry?, first: Moment)? {
    let past = entries.prefix { $0.moment.effective <= at }
    if let ahead = entries.dropFirst(past.count).first(where: { own[$0.moment.position] != nil }) {
      let who = actor(ahead.moment.position)
      undecided.append((entity, "was changed by \(who) from \(ahead.moment.effective) on, which is ahead", nil))
    }
    let last = past.lastIndex { own[$0.moment.position] == nil }
    if let last, let mine = past[..<last].lastIndex(where: { own[$0.moment.position] != nil }) {
      let before = past[..<mine].last { own[$0.moment.position] == nil }
      let since = past[past.index(after: mine)]
      if !Self.undoes(since, before) {
        undecided.append((entity, "was changed by \(actor(past[mine].moment.position))", since.moment.position))
      }
    }
    guard let first = past[(last.map { $0 + 1 } ?? past.startIndex)...].first else { return nil }
    return (last.map { past[$0] }, first.moment)
  }

  /// Whether what another did comes to what was before.
  private static func undoes(_ since: Entry, _ before: Entry?) -> Bool {
    switch (since.effect, before?.effect) {
    case (.ends, _): true
    case (.begins(let now, _), .begins(let former, _)): now == former
    case (.extends(let now), .begins(_, let former)), (.extends(let now), .extends(let former)): now == former
    default: false
    }
  }

  /// What a party made, and was not there before.
  private mutating func takeBack(made entity: Entity, _ current: FactValue?, _ first: Moment) {
    switch current {
    case .policy:
      premises.append(Premise(.existence(entity), in: world))
      steps.append(
        ContainmentStep(
          command: Command(.policyRetired(id: entity.id), authority: authority), text: "retire \(entity)",
          because: "made by \(actor(first.position))", breaks: []))
    case .role(let document) where document.permissions != nil:
      let held = world.facts(about: entity).filter { fact in
        guard case .assignment = fact, !ended.contains(fact) else { return false }
        return world.value(of: fact, at: at) != nil
      }
      if held.isEmpty { return }
      let grants = held.count == 1 ? "an assignment that others" : "\(held.count) assignments that others"
      undecided.append((entity, "was made by \(actor(first.position)), and \(grants) gave is of it", nil))
    default: return
    }
  }

  /// The attributes that have to be written to be again what they were; of what is gone, all.
  private mutating func attributes(of entity: Entity, before first: Moment, isGone: Bool) -> [String: AttributeValue] {
    var attributes: [String: AttributeValue] = [:]
    for fact in world.attributes(of: entity) {
      guard case .attribute(_, let name) = fact else { continue }
      let entries = world.entries(of: fact)
      let last = entries.last { $0.moment.effective <= at }
      guard isGone || last.map({ own[$0.moment.position] != nil && $0.moment >= first }) ?? false else { continue }
      var former = AttributeValue.open(.null)
      if case .begins(.attribute(let value), _)? = entries.last(where: { $0.moment < first })?.effect { former = value }
      if case .begins(.attribute(former), _)? = last?.effect, !isGone { continue }
      if case .sealed = former {
        undecided.append((entity, "its \(name) is personal, and cannot be put back", nil))
      } else if former != .open(.null) || !isGone {
        attributes[name] = former
      }
    }
    return attributes
  }

  private static func change(_ entity: Entity, _ value: FactValue, _ attributes: [String: AttributeValue]) -> Change? {
    switch value {
    case .role(let document) where document.permissions != nil:
      .roleDefined(id: entity.id, document: document, attributes: attributes)
    case .policy(let policy): .policyDefined(id: entity.id, policy: policy, attributes: attributes)
    default: nil
    }
  }

  /// What a role no longer allows, or allows again.
  private static func difference(from current: FactValue?, to former: FactValue) -> [String] {
    guard case .role(let before) = former else { return [] }
    guard case .role(let now)? = current else { return ["what was given of it ended with it, and does not come back"] }
    func actions(_ document: RoleDocument) -> Set<String> {
      Set((document.permissions ?? []).filter { $0.effect == .allow }.flatMap(\.actions))
    }
    func line(_ word: String, _ actions: Set<String>) -> [String] {
      if actions.isEmpty { return [] }
      let shown = actions.sorted().prefix(6).joined(separator: " ")
      return ["\(word) \(shown)" + (actions.count > 6 ? " and \(actions.count - 6) more" : "")]
    }
    return line("no longer allows", actions(now).subtracting(actions(before)))
      + line("allows again", actions(before).subtracting(actions(now)))
  }

  // MARK: Extensions

  private mutating func putBack(extended id: String) {
    let fact = Fact.assignment(id: id)
    guard let current = world.value(of: fact, at: at) else { return }
    let entries = world.entries(of: fact).filter { $0.moment >= current.begun }
    guard let run = lastRun(of: entries, Entity(.assignment, id)) else { return }
    let end: Instant?
    switch run.before?.effect {
    case .begins(_, let expiresAt), .extends(let expiresAt): end = expiresAt
    default: return
    }
    if end == current.expiresAt { return }
    let isOver = end.map { $0 <= at } ?? false
    let who = actor(run.first.position)
    premises.append(Premise(fact, in: world))
    steps.append(
      ContainmentStep(
        command: Command(
          isOver ? .assignmentRevoked(id: id) : .assignmentExtended(id: id, expiresAt: end), authority: authority),
        text: isOver ? "revoked assignment \(id)" : "let assignment \(id) end \(end.map { "at \($0)" } ?? "never") again",
        because: isOver ? "ended at \(end.map(\.description) ?? ""), but for \(who), who extended it" : "extended by \(who)",
        breaks: []))
  }

  private func actor(_ position: Int64) -> String {
    own[position].map { $0.authority.actor?.id ?? $0.recordedBy.id } ?? ""
  }
}

extension Questions {
  /// Plans to put back what parties changed and nobody else has since; what others have is for somebody to decide.
  func putBack(_ evidence: IncidentEvidence, _ authority: Authority, _ plan: inout Containment) throws {
    let ended = Set(plan.steps.flatMap { $0.command.change.endedFacts })
    let rollback = try tenant.read { graph in
      ContainmentRollback(
        of: evidence.events, in: graph.world(asKnownAt: plan.view.asKnownAt), at: plan.view.at, authority: authority,
        ended: ended)
    }
    plan.steps += rollback.steps
    plan.premises += rollback.premises
    let events = try tenant.events(at: rollback.undecided.compactMap(\.since)).map(\.event)
    plan.undecided += rollback.undecided.map { entity, problem, since in
      let other = events.first { $0.position == since }.map { event in
        ", and since by \(event.authority.actor?.id ?? event.recordedBy.id) (event \(event.position))"
      }
      return UndecidedChange(entity: entity, because: problem + (other ?? ""))
    }
  }
}
