import Governance
import YAML

/// One file of a configuration in the Peribolos form: organisations with their people, teams and repositories.
///
/// The form is that of Kubernetes' `test-infra`, `pkg/config/org`: `orgs:` maps a name to an organisation.
struct PeribolosFile {
  /// The organisations and teams, in the order of the file.
  private(set) var units: [OrganisationUnit] = []
  /// The organisations, as the file writes them, and the line of each.
  private(set) var organisations: [(name: String, line: Int)] = []
  /// Fields that are not understood, and what else is odd but no error.
  private(set) var warnings: Set<String> = []
  private var places: [Entity: Int] = [:]

  /// Reads a file; nil where it is YAML without `orgs:`, which is none of ours.
  ///
  /// - Throws: `YAMLError` with line and column.
  init?(parsing content: [UInt8]) throws(YAMLError) {
    guard let root = try YAMLNode(parsing: content), let organisations = root["orgs"] else { return nil }
    for pair in try organisations.entries("orgs") { try read(organisation: pair) }
  }

  /// Fields of an organisation that say nothing about access.
  private static let organisationMetadata: Set<String> = [
    "billing_email", "company", "description", "email", "has_organization_projects", "has_repository_projects", "location",
    "members_can_create_repositories", "members_can_create_teams", "name", "repos",
  ]

  /// Fields of a team that say nothing about access.
  private static let teamMetadata: Set<String> = ["description", "previously", "privacy"]

  private mutating func read(organisation pair: YAMLNode.Pair) throws(YAMLError) {
    let name = pair.name
    try check(segment: name, "an organisation's name", pair.key)
    organisations.append((name, pair.key.line))
    var unit = OrganisationUnit(organisation: name, group: .group("github:\(name)"))
    var teams: YAMLNode?
    for field in try pair.value.entries("the organisation") {
      switch field.name {
      case "admins":
        unit.admins = try logins(field)
        unit.people += unit.admins
      case "members": unit.people += try logins(field)
      case "default_repository_permission":
        guard !field.value.isPlainNull, let permission = try permission(field) else { continue }
        unit.permitted.append(OrganisationUnit.Permitted(scope: OrganisationUnit.scope(of: name), permission: permission))
      case "teams": teams = field.value
      case let other where Self.organisationMetadata.contains(other): continue
      case let other: warnings.insert("the field `\(other)` of an organisation is not known and was passed over")
      }
    }
    units.append(unit)
    if let teams {
      for team in try teams.entries("teams") { try read(team: team, of: name, in: nil) }
    }
  }

  private mutating func read(team pair: YAMLNode.Pair, of organisation: String, in parent: Entity?) throws(YAMLError) {
    let group = Entity.group("github:\(organisation)/\(pair.name)")
    if let problem = Limits.problem(identifier: group.id) { throw YAMLError("a team's name \(problem)", at: pair.key) }
    if pair.name.isEmpty { throw YAMLError("a team's name must not be empty", at: pair.key) }
    var unit = OrganisationUnit(organisation: organisation, group: group)
    if let parent { unit.parents.append(parent) }
    var nested: YAMLNode?
    for field in try pair.value.entries("the team") {
      switch field.name {
      case "members", "maintainers": unit.people += try logins(field)
      case "repos":
        for repository in try field.value.entries("repos") {
          let scope = try path(of: repository, in: organisation)
          guard let permission = try permission(repository) else { continue }
          unit.permitted.append(OrganisationUnit.Permitted(scope: scope, permission: permission))
        }
      case "teams": nested = field.value
      case let other where Self.teamMetadata.contains(other): continue
      case let other: warnings.insert("the field `\(other)` of a team is not known and was passed over")
      }
    }
    if let place = places[group] {
      units[place].merge(unit)
      warnings.insert("organisation `\(organisation)` has two teams of one name; they were read as one")
    } else {
      places[group] = units.count
      units.append(unit)
    }
    guard let nested else { return }
    for team in try nested.entries("teams") { try read(team: team, of: organisation, in: group) }
  }

  /// A list of logins in lower case; a login is a text however YAML would read it.
  private func logins(_ field: YAMLNode.Pair) throws(YAMLError) -> [String] {
    if field.value.isPlainNull { return [] }
    guard let elements = field.value.elements else {
      throw YAMLError("`\(field.name)` must be a list of logins, not \(field.value.kindName)", at: field.value)
    }
    var logins: [String] = []
    logins.reserveCapacity(elements.count)
    for element in elements {
      guard let login = element.text, !element.isPlainNull, !login.isEmpty else {
        throw YAMLError("a login in `\(field.name)` must be a text that is not empty", at: element)
      }
      if let problem = problem(login: login) { throw YAMLError("a login in `\(field.name)` \(problem)", at: element) }
      logins.append(login.lowercased())
    }
    return logins
  }

  private func problem(login: String) -> String? {
    // What everybody has: letters, digits and hyphens. Only what is odd is looked at closely.
    if login.utf8.count < 64, login.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return nil }
    return Limits.problem(identifier: OrganisationUnit.identity(login).id)
  }

  /// A permission; nil for `none`, which grants nothing.
  private func permission(_ field: YAMLNode.Pair) throws(YAMLError) -> RepositoryPermission? {
    let text = field.value.text
    if text == "none" { return nil }
    guard let permission = text.flatMap({ RepositoryPermission(rawValue: $0) }) else {
      let choices = (["none"] + RepositoryPermission.allCases.map(\.rawValue)).joined(separator: ", ")
      throw YAMLError("the permission of `\(field.name)` must be one of \(choices)", at: field.value)
    }
    return permission
  }

  private func path(of repository: YAMLNode.Pair, in organisation: String) throws(YAMLError) -> String {
    try check(segment: repository.name, "a repository's name", repository.key)
    let path = "\(OrganisationUnit.scope(of: organisation))/\(repository.name)"
    if let problem = Limits.problem(path: path) { throw YAMLError("a repository's path \(problem)", at: repository.key) }
    return path
  }

  /// A name must be one segment of a resource path.
  private func check(segment name: String, _ what: String, _ node: YAMLNode) throws(YAMLError) {
    if name.isEmpty { throw YAMLError("\(what) must not be empty", at: node) }
    if name.utf8.contains(UInt8(ascii: "/")) { throw YAMLError("\(what) must not have a slash", at: node) }
    let problem = Limits.problem(path: OrganisationUnit.scope(of: name)) ?? Limits.problem(identifier: "github:\(name)")
    if let problem { throw YAMLError("\(what) \(problem)", at: node) }
  }
}

extension YAMLNode {
  /// The pairs of a mapping; none where nothing is written, as Go reads a mapping that is null.
  fileprivate func entries(_ what: String) throws(YAMLError) -> [Pair] {
    if isPlainNull { return [] }
    guard let pairs else { throw YAMLError("`\(what)` must be a mapping, not \(kindName)", at: self) }
    return pairs
  }
}
