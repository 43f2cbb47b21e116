import Governance
import JSON
import Temporal

/// The sentences of the story: one function a kind of command.
extension SampleOrganisation {
  static func authority(
    _ actor: String?, reason: String? = nil, ticket: String? = nil, approvedBy approver: String? = nil
  ) -> Authority {
    Authority(
      actor: actor.map { Actor(id: $0) }, authorisedBy: approver.map { Approval(approver: $0, reference: ticket) },
      reason: reason,
      ticket: ticket.map { Ticket(system: "jira", key: $0, url: "https://tickets.brightwater.example/\($0)") })
  }

  static func register(_ person: Person, by authority: Authority) -> [Command] {
    let attributes: [String: AttributeValue] = [
      "display_name": .open(.string(person.name)), "email": .open(.string("\(person.id)@brightwater.example")),
      "department": .open(.string(person.team)), "title": .open(.string(person.title)),
    ]
    var commands = [
      Command(.identityRegistered(id: person.id, kind: person.kind, attributes: attributes), authority: authority),
      join(.identity(person.id), person.team, by: authority),
    ]
    if let account = person.account {
      let isCalled: [String: AttributeValue] = ["login": .open(.string(String(account.dropFirst("github:".count))))]
      commands.append(Command(.identityRegistered(id: account, kind: .account, attributes: isCalled), authority: authority))
      commands.append(Command(.identityLinked(account: account, person: person.id), authority: authority))
    }
    return commands
  }

  /// The person's leaving: the person and the account end together.
  static func retire(_ person: Person, dueAt: Instant? = nil, by authority: Authority) -> [Command] {
    [person.account, person.id].compactMap { $0 }.map {
      Command(.identityRetired(id: $0), dueAt: dueAt, authority: authority)
    }
  }

  static func join(_ member: Entity, _ group: String, until expiresAt: String? = nil, by authority: Authority) -> Command {
    Command(
      .membershipAdded(group: group, member: member, expiresAt: expiresAt.map { Instant(ofStory: $0) }), authority: authority)
  }

  static func leave(_ member: Entity, _ group: String, by authority: Authority) -> Command {
    Command(.membershipRemoved(group: group, member: member), authority: authority)
  }

  static func grant(
    _ id: String, _ principal: Entity, _ role: String, on scope: String, if condition: JSONValue? = nil,
    until expiresAt: String? = nil, from effectiveAt: String? = nil, by authority: Authority
  ) -> Command {
    let grant = Grant(
      principal: principal, role: role, scope: scope, condition: condition,
      expiresAt: expiresAt.map { Instant(ofStory: $0) })
    return Command(
      .assignmentGranted(id: id, grant: grant), effectiveAt: effectiveAt.map { Instant(ofStory: $0) }, authority: authority)
  }

  static func revoke(_ id: String, by authority: Authority) -> Command {
    Command(.assignmentRevoked(id: id), authority: authority)
  }

  /// A role with one permission on everything in scope, for as many actions as are named.
  static func role(
    _ id: String, _ actions: [String], includes: [String] = [], revises: Bool = false, by authority: Authority
  ) -> Command {
    let document = RoleDocument(permissions: [Permission(actions: actions)], includes: includes)
    return Command(
      .roleDefined(id: id, document: document, attributes: [:]), expecting: revises ? .present : .absent,
      authority: authority)
  }

  static func service(_ id: String, owner: String, revises: Bool = false, by authority: Authority) -> Command {
    Command(
      .identityRegistered(id: id, kind: .service, attributes: ["owner": .open(.string(owner))]),
      expecting: revises ? .present : .absent, authority: authority)
  }
}
