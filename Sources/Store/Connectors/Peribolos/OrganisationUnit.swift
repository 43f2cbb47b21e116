import Governance
import JSON

/// What a configuration says of one organisation as a whole, or of one of its teams: a group, those in it, and what they get.
///
/// The smallest part of a configuration that is planned for; most commits change one or two of them. Lists stay in the order
/// of the file, because most are only compared with the ones before.
struct OrganisationUnit: Equatable {
  /// What the group may do with one repository, or with all of the organisation.
  struct Permitted: Hashable {
    let scope: String
    let permission: RepositoryPermission
  }

  /// The organisation, as the file writes it.
  let organisation: String
  /// `github:ORG` for the organisation's own members and admins, `github:ORG/TEAM` for a team.
  ///
  /// That an organisation is a group too makes a path read *member of github:ORG*, and a changed default one assignment
  /// instead of one for each person.
  let group: Entity
  /// The groups that it is nested in.
  var parents: [Entity] = []
  /// The logins in it in lower case, perhaps repeated; GitHub takes a login for the same whatever its case.
  var people: [String] = []
  /// The logins among them that administer the organisation.
  var admins: [String] = []
  /// What the group gets.
  var permitted: [Permitted] = []

  /// Takes in what another place of the same configuration says of a team of the same name.
  mutating func merge(_ other: OrganisationUnit) {
    parents += other.parents
    people += other.people
    permitted += other.permitted
  }

  /// Leaves out the people and admins that another state of the same unit has too.
  func without(_ other: OrganisationUnit) -> OrganisationUnit {
    var rest = self
    rest.people = Set(people).subtracting(other.people).sorted()
    rest.admins = Set(admins).subtracting(other.admins).sorted()
    return rest
  }

  /// The path of an organisation, which covers its repositories.
  static func scope(of organisation: String) -> String { "github.com/\(organisation)" }

  /// The identity that a login in lower case names.
  static func identity(_ login: String) -> Entity { .identity("github:\(login)") }
}

extension DesiredState {
  /// Adds what the unit desires.
  mutating func insert(_ unit: OrganisationUnit) {
    insert(.groupCreated(id: unit.group.id, attributes: [:]))
    for parent in unit.parents { insert(.membershipAdded(group: parent.id, member: unit.group, expiresAt: nil)) }
    for login in unit.people {
      let person = OrganisationUnit.identity(login)
      insert(account: person)
      insert(.membershipAdded(group: unit.group.id, member: person, expiresAt: nil))
    }
    let scope = OrganisationUnit.scope(of: unit.organisation)
    for admin in Set(unit.admins) {
      let principal = OrganisationUnit.identity(admin)
      insert(Grant(principal: principal, role: RepositoryPermission.admin.role, scope: scope))
    }
    for permitted in Set(unit.permitted) {
      insert(Grant(principal: unit.group, role: permitted.permission.role, scope: permitted.scope))
    }
  }

  /// Adds an account, marked *name only*: a login can pass to somebody else, which a numeric id cannot.
  mutating func insert(account: Entity) {
    insert(.identityRegistered(id: account.id, kind: .account, attributes: ["name_only": .open(true)]))
  }
}
