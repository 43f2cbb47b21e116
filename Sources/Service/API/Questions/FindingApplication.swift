import AccessGraph
public import EventLog
public import Governance
import JSON
import Temporal

/// What mends a finding, as commands of one batch; and what takes that back.
public struct FindingApplication: Hashable, Sendable {
  /// The commands, in order; all of them or none.
  public var commands: [Command]
  /// What the mending changes, in a line.
  public var summary: String
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
  /// Of an unused permission the role is made smaller as it is now, whatever was changed in it since the finding was raised.
  ///
  /// - Parameter actor: by whose authority.
  public func application(of id: String, by actor: String?) throws -> FindingApplication {
    try ask(nil, .head) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      guard let standing = world.finding(id, at: view.at), standing.state != .resolved else {
        throw FindingApplicationError(description: "there is no open finding \(id)")
      }
      let finding = standing.finding
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
        commands: [command, resolution], summary: "\(command.verb.name) \(command.change.entity)")
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
      return FindingApplication(commands: commands, summary: "role.revise role:\(role), as before event \(mended.position)")
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
      recordedBy: Recorder(id: recorder, authentication: "local"), commands: commands)
  }
}
