import AccessGraph
public import EventLog
public import Governance
import JSON
import Temporal
import Usage

/// What mends a finding, as commands of one batch; and what takes that back.
public struct FindingApplication: Hashable, Sendable {
  /// The commands, in order; all of them or none.
  public var commands: [Command]
  /// What the mending changes, in a line.
  public var summary: String
  /// What the commands were made from: whoever revises the same role meanwhile is not overwritten.
  public var premises: [Premise] = []

  /// How often it is made anew where that changes before it is decided.
  public static let mostAttempts = 5
}

/// Why a finding cannot be mended by itself, or that taken back.
public struct FindingApplicationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String
}

/// Each event that mends a finding names it in its ticket, under this system; by that it is found again.
private let ticketSystem = "tenure-finding"

extension Questions {
  /// The commands that do what a finding says would mend it, and resolve it.
  ///
  /// Of an unused permission the role is made smaller as it is now, whatever was changed in it since the finding was raised. Where what
  /// was found is no longer so, nothing is mended: a group that has members by now is not deleted for having had none.
  ///
  /// - Parameter actor: by whose authority.
  public func application(of id: String, by actor: String?) throws -> FindingApplication {
    if let finding = try ask(
      nil, .head,
      { graph, view in
        graph.world(asKnownAt: view.asKnownAt).finding(id, at: view.at)?.finding
      })
    {
      try requireUnused(finding)
    }
    return try ask(nil, .head) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      guard let standing = world.finding(id, at: view.at), standing.state != .resolved else {
        throw FindingApplicationError(description: "there is no open finding \(id)")
      }
      let finding = standing.finding
      if FindingRule.named(finding.rule)?.isStructural ?? false,
        !world.structuralFindings(about: finding.subject, at: view.at).contains(where: { $0.id.isExactly(id) })
      {
        throw FindingApplicationError(
          description: "it is no longer so: \(finding.subject) has changed since; let flag-orphans look again")
      }
      var command: Command
      if finding.rule == UnusedPermission.rule {
        command = Command(try smaller(finding, world, view.at), expecting: .present)
      } else if finding.fix.objectValue != nil {
        command = try Command(finding.fix)
      } else {
        throw FindingApplicationError(description: "what mends it takes a person: \(finding.fix.stringValue ?? "")")
      }
      command.authority = Self.authority(actor, Self.mends + id, id)
      let resolution = Command(.findingResolved(id: id), authority: Self.authority(actor, "mended by \(command.verb.name)", id))
      return FindingApplication(
        commands: [command, resolution], summary: "\(command.verb.name) \(command.change.entity)",
        premises: world.premises(of: command.change))
    }
  }

  /// The commands that take back what mended a finding, exactly, and open it again.
  ///
  /// Only a role that was made smaller is given back, as the log has it, and only while nobody has changed it since.
  public func rollback(of id: String, by actor: String?) throws -> FindingApplication {
    guard let mended = try mending(of: id) else {
      throw FindingApplicationError(description: "finding \(id) was not mended by making a role smaller: nothing to take back")
    }
    guard case .roleDefined(let role, let document, _) = mended.change else { preconditionFailure("was looked for") }
    return try ask(nil, .head) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let entries = world.entries(of: .existence(.role(role)))
      guard let place = entries.firstIndex(where: { $0.moment.position == mended.position }), place > 0,
        case .begins(.role(let before), _) = entries[place - 1].effect
      else { throw FindingApplicationError(description: "what role:\(role) was before is not in the log any more") }
      guard place == entries.count - 1, case .role(document)? = world.value(of: .existence(.role(role)), at: view.at)?.value
      else {
        throw FindingApplicationError(
          description: "role:\(role) was changed since event \(mended.position): take that back first")
      }
      let reason = "takes back event \(mended.position), which mended finding \(id)"
      var commands = [
        Command(
          .roleDefined(id: role, document: before, attributes: [:]), expecting: .present,
          authority: Self.authority(actor, reason, id))
      ]
      if let standing = world.finding(id, at: view.at), standing.state == .resolved {
        commands.append(Command(.findingRaised(standing.finding), authority: Self.authority(actor, reason, id)))
      }
      return FindingApplication(
        commands: commands, summary: "role.revise role:\(role), as before event \(mended.position)",
        premises: world.premises(of: commands[0].change))
    }
  }

  /// How the reason of what mends begins.
  private static var mends: String { "mends finding " }

  /// The event that made a role smaller for a finding, the last of them.
  private func mending(of id: String) throws -> Event? {
    var filter = LogFilter()
    filter.ticket = "\(ticketSystem):\(id)"
    filter.type = "role.defined"
    var last: Event?
    var place: Int64? = 0
    while let next = place {
      let page = try tenant.log(filter, after: next, limit: Tenant.maximumLogPage)
      // What took an earlier mending back names the finding, too.
      last = page.events.map(\.event).last { $0.authority.reason?.utf8.starts(with: Self.mends.utf8) ?? false } ?? last
      place = page.next
    }
    return last
  }

  /// Refuses to take away for not being used what was used after all, as far as usage has told by now.
  private func requireUnused(_ finding: Finding) throws {
    let said = finding.evidence["last_used"]?.stringValue.flatMap { try? Instant(rfc3339: $0) }
    guard let used = try lastUse(of: finding), said.map({ $0 < used }) ?? true else { return }
    throw FindingApplicationError(description: "it is no longer so: it was used at \(used); let the job look again")
  }

  /// When what a finding calls unused was last used, as known now; nil where it never was, or the finding is about something else.
  private func lastUse(of finding: Finding) throws -> Instant? {
    let id = finding.subject.id
    switch finding.rule {
    case "dormant_identity": return try UsageStore(tenant).lastUses(of: [id], through: tenant.now).values.max()
    case "unused_assignment": return try exercise(of: [id]).compactMap(\.lastUsed).max()
    case UnusedPermission.rule:
      guard let pattern = RolePattern(evidence: finding.evidence)?.permission.actions[0] else { return nil }
      let assignments = try assignments(giving: id)
      return try exercise(of: assignments).flatMap(\.permissions)
        .filter { $0.role.isExactly(id) && $0.pattern.isExactly(pattern) }.flatMap(\.used).map(\.lastUsed).max()
    default: return nil
    }
  }

  /// The assignments that give a role now, by itself or by one that includes it; O(assignments).
  private func assignments(giving role: String) throws -> [String] {
    let now = tenant.now
    return try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      var gives: [Entity: Bool] = [:]
      return graph.ids(of: .assignment).filter { id in
        guard case .grant(let grant)? = world.value(of: .assignment(id: id), at: now)?.value else { return false }
        let given = Entity.role(grant.role)
        if let known = gives[given] { return known }
        let isGiven = world.rolesGiven(by: grant.role, at: now).contains(.role(role))
        gives[given] = isGiven
        return isGiven
      }
    }
  }

  private func exercise(of assignments: [String]) throws -> [AssignmentExercise] {
    let during = Interval(from: .earliest, to: tenant.now.next)
    let position = tenant.head.position
    return try stride(from: 0, to: assignments.count, by: UsageStore.exercisedAtOnce).flatMap { start in
      let slice = Array(assignments[start..<min(start + UsageStore.exercisedAtOnce, assignments.count)])
      return try UsageStore(tenant).exercise(of: slice, during: during, asKnownAt: position)
    }
  }

  private func smaller(_ finding: Finding, _ world: GraphWorld, _ t: Instant) throws -> Change {
    let role = finding.subject.id
    guard let pattern = RolePattern(evidence: finding.evidence),
      case .role(let document)? = world.value(of: .existence(finding.subject), at: t)?.value,
      let smaller = document.without(pattern)
    else { throw FindingApplicationError(description: "role:\(role) has the permission no longer: let flag-unused look again") }
    return .roleDefined(id: role, document: smaller, attributes: [:])
  }

  private static func authority(_ actor: String?, _ reason: String, _ finding: String) -> Authority {
    Authority(
      actor: actor.map { Actor(id: $0) }, reason: reason, ticket: Ticket(system: ticketSystem, key: finding))
  }
}

/// The rule whose findings are mended by a smaller role.
private enum UnusedPermission {
  static let rule = "unused_permission"
}

extension FindingApplication {
  /// The batch; its events belong to the same source as those that came by HTTP.
  public func submission(recordedBy recorder: String) -> Submission {
    Submission(
      mode: .governed, source: Intake.source, basis: .declared,
      recordedBy: Recorder(id: recorder, authentication: "local"), commands: commands, premises: premises)
  }
}

extension World {
  /// What a change is made from, where it writes a whole value: the versions of the entity that there are.
  fileprivate func premises(of change: Change) -> [Premise] {
    guard case .roleDefined = change else { return [] }
    return [Premise(.existence(change.entity), in: self)]
  }
}
