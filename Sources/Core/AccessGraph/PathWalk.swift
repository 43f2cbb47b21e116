import Governance
import Memory

/// Walks the paths of an identity one by one, without repeating a node: identity → account → groups → assignment → roles.
///
/// Of paths there can be exponentially many, so the walk has limits and says when it hit one; what is not walked is missing
/// from the list only, for no status is taken from an incomplete walk.
struct PathWalk {
  /// Edges that are looked at: some tenths of a second.
  private static let edgesLookedAt = 200_000
  /// Elements of one path: the walk recurses, and nobody nests groups or roles this deep on purpose.
  private static let elementsOfPath = 100

  let graph: AccessGraph
  let sight: Sight
  /// Paths that are enough.
  let limit: Int
  /// Which assignments are of interest.
  let grants: (GrantRecord) -> Bool
  /// Which permissions of a role are, by index; -1 asks about a document that is not known.
  let permissions: (CompiledRole, Int) -> Bool
  /// Which finished paths are.
  var accepts: (ElementPath) -> Bool = { _ in true }

  /// The paths found, in the order of the walk.
  private(set) var found: [ElementPath] = []
  /// Whether these are all paths there are.
  private(set) var isComplete = true
  private var edges = 0

  init(
    graph: AccessGraph, sight: Sight, limit: Int, grants: @escaping (GrantRecord) -> Bool,
    permissions: @escaping (CompiledRole, Int) -> Bool
  ) {
    self.graph = graph
    self.sight = sight
    self.limit = limit
    self.grants = grants
    self.permissions = permissions
  }

  /// Walks from an identity.
  mutating func run(from identity: Int32) {
    guard graph.isActive(identity, sight) else { return }
    climb(from: identity, [identity], [.identity(identity)])
    var accounts: [(node: Int32, fact: Int32)] = []
    graph.forEachAccount(of: identity, sight) { accounts.append(($0, graph.entries[$1.entry].fact)) }
    for account in accounts {
      climb(from: account.node, [identity, account.node], [.identity(identity), .link(account.fact), .identity(account.node)])
    }
  }

  /// From an identity, and from the built-in principals that it is one of.
  private mutating func climb(from bearer: Int32, _ visited: [Int32], _ chain: [Element]) {
    climb(bearer, visited, chain)
    graph.forEachBuiltIn(of: bearer, sight) { principal in
      climb(principal, visited + [principal], chain + [.builtIn(principal)])
    }
  }

  /// Whether the walk may look at one more edge.
  private mutating func mayGoOn(_ elements: Int) -> Bool {
    edges += 1
    if edges <= Self.edgesLookedAt, elements < Self.elementsOfPath, found.count < limit { return true }
    isComplete = false
    return false
  }

  private mutating func climb(_ node: Int32, _ visited: [Int32], _ chain: [Element]) {
    guard let since = graph.presence(node, sight) else { return }
    for edge in graph.live(graph.nodes[node].assignments, sight) {
      guard mayGoOn(chain.count) else { return }
      let grant = graph.grants[edge.other]
      guard graph.began(edge, since: since), graph.existed(grant.role, since: edge, sight), grants(grant) else { continue }
      let path = ElementPath(
        elements: chain + [.assignment(graph.entries[edge.entry].fact)],
        conditions: graph.conditions(of: grant))
      descend(grant.role, [grant.role], path)
    }
    for edge in graph.live(graph.nodes[node].groups, sight) {
      guard mayGoOn(chain.count) else { return }
      guard !visited.contains(edge.other), graph.began(edge, since: since), graph.existed(edge.other, since: edge, sight) else {
        continue
      }
      climb(edge.other, visited + [edge.other], chain + [.membership(graph.entries[edge.entry].fact)])
    }
  }

  /// Follows inclusions down from a role.
  private mutating func descend(_ role: Int32, _ visited: [Int32], _ path: ElementPath) {
    guard let definition = graph.definition(of: role, sight) else { return }
    let wanted = definition.role.document.permissions.map { Array($0.indices) } ?? [-1]
    for index in wanted where permissions(definition.role, index) {
      var path = path
      path.elements.append(.permission(role: role, index: index))
      path.isUnknown = index < 0
      if index >= 0, let condition = definition.role.permissions[index].condition { path.conditions.append(condition) }
      guard accepts(path) else { continue }
      guard found.count < limit else {
        isComplete = false
        return
      }
      found.append(path)
    }
    for included in graph.inclusions(of: definition, sight) where !visited.contains(included) {
      guard mayGoOn(path.elements.count) else { return }
      var path = path
      path.elements.append(.inclusion(of: included, in: role))
      descend(included, visited + [included], path)
    }
  }
}
