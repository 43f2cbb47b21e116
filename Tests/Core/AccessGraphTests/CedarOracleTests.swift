import AccessGraph
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// `check` against Cedar: nested groups, roles that include roles, scopes, wildcards, and denies that override.
///
/// Skipped where `cedarpy` cannot be imported; TENURE_CEDAR_PYTHON names a Python that has it. TENURE_SEEDS sets how many
/// organisations; TENURE_FIRST_SEED where they begin, so that a failing one is repeated alone.
@Suite struct CedarOracleTests {
  @Test(.enabled(if: Cedar.isThere, "cedarpy cannot be imported; TENURE_CEDAR_PYTHON names a Python that has it"))
  func `check decides as Cedar does`() throws {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    let seeds = first..<first + (environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 500)
    let organisations = seeds.map { CedarOrganisation(seed: $0) }
    let decisions = try Cedar.decide(organisations.map(\.document))
    var counts: [Status: Int] = [:]
    var denied = 0
    for (seed, (organisation, expected)) in zip(seeds, zip(organisations, decisions)) {
      let graph = organisation.graph
      let view = Viewpoint(at: Universe.instant(1), asKnownAt: graph.position)
      for (ask, decision) in zip(organisation.asks, expected) {
        let answer = graph.check(ask.identity, action: ask.action, resource: ask.resource, from: view)
        #expect(answer.status == (decision == "A" ? .allowed : .denied), "seed \(seed): \(ask), \(answer)")
        counts[answer.status, default: 0] += 1
        if answer.status == .denied, answer.reason != "no_path" { denied += 1 }
      }
    }
    print("Cedar: seeds \(seeds): \(counts), \(denied) of the denied by a deny or a boundary")
    // Organisations in which nothing is allowed or nothing denied would show nothing.
    let asked = counts.values.reduce(0, +)
    #expect(counts[.allowed, default: 0] > asked / 20 && denied > asked / 20, "\(counts), \(denied)")
  }
}

/// A random organisation without conditions, as changes and as the document that the oracle reads.
private struct CedarOrganisation {
  struct Ask {
    let identity: String
    let action: String
    let resource: String
  }

  private static let identities = ["ada", "bob", "cy", "dee"]
  private static let groups = ["g0", "g1", "g2", "g3"]
  private static let roles = ["r0", "r1", "r2", "r3"]
  private static let actions = ["repo.read", "repo.write", "db:Read"]
  private static let scopes = ["*", "org", "org/repo", "org/repo/x", "org/repository", "db"]
  // Cedar has no ?.
  private static let actionPatterns = ["*", "repo.*", "repo.read", "*:Read", "*e*"]
  private static let resourcePatterns = ["*", "org/*", "org/repo", "*/x", "org*", "db"]

  let document: JSONValue
  let asks: [Ask]
  private let changes: [Change]

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let (identities, groups, roles) = (Self.identities, Self.groups, Self.roles)
    var made: [Change] = [
      .sourceRegistered(id: "s", attributes: [:]), .coverageBegan(source: "s", resource: "*", expiresAt: nil),
    ]
    made += identities.map { .identityRegistered(id: $0, kind: .person, attributes: [:]) }
    made += groups.map { .groupCreated(id: $0, attributes: [:]) }
    var memberOf = JSONObject()
    for member in identities.map({ Entity.identity($0) }) + groups.map({ Entity.group($0) }) {
      // Only in groups after it, so that there are no cycles, which Cedar refuses.
      let outer = member.kind == .group ? groups.drop { $0 != member.id }.dropFirst() : groups[...]
      let around = random.some(Array(outer), chance: 1, in: 3)
      memberOf[member.description] = .array(around.map { .string($0) })
      made += around.map { .membershipAdded(group: $0, member: member, expiresAt: nil) }
    }
    var roleDocuments = JSONObject()
    for (index, role) in roles.enumerated() {
      let permissions = (0..<1 + random.below(2)).map { _ in Self.permission(&random) }
      let includes = random.some(Array(roles[..<index]), chance: 1, in: 2)
      roleDocuments[role] = [
        "permissions": .array(permissions.map { Self.document(of: $0) }), "includes": .array(includes.map { .string($0) }),
      ]
      made.append(
        .roleDefined(id: role, document: RoleDocument(permissions: permissions, includes: includes), attributes: [:]))
    }
    var assignments: [JSONValue] = []
    for index in 0..<3 + random.below(4) {
      let principal =
        random.chance(1, in: 3) ? Entity.identity(random.pick(identities)) : .group(random.pick(groups))
      let grant = Grant(principal: principal, role: random.pick(roles), scope: random.pick(Self.scopes))
      made.append(.assignmentGranted(id: "a\(index)", grant: grant))
      assignments.append(
        ["principal": .string(principal.description), "role": .string(grant.role), "scope": .string(grant.scope)])
    }
    var denies: [JSONValue] = []
    var boundaries: [JSONValue] = []
    for index in 0..<random.below(3) {
      var rule = Self.subjects(&random)
      let isDeny = random.chance(2, in: 3)
      if isDeny {
        for member in Self.document(of: Self.permission(&random)).objectValue ?? [:] where member.name != "effect" {
          rule[member.name] = member.value
        }
        denies.append(.object(rule))
      } else {
        rule["permissions"] = .array(
          (0..<1 + random.below(2)).map { _ in
            var permission = Self.document(of: Self.permission(&random)).objectValue ?? [:]
            permission["effect"] = nil
            return .object(permission)
          })
        boundaries.append(.object(rule))
      }
      made.append(
        .policyDefined(
          id: "p\(index)", policy: PolicyDocument(type: isDeny ? .deny : .boundary, rule: .object(rule)), attributes: [:]))
    }
    changes = made
    asks = identities.flatMap { identity in
      Self.actions.flatMap { action in
        Self.scopes.dropFirst().map { Ask(identity: identity, action: action, resource: $0) }
      }
    }
    func texts(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
    document = [
      "identities": texts(identities), "groups": texts(groups), "member_of": .object(memberOf),
      "roles": .object(roleDocuments), "assignments": .array(assignments), "denies": .array(denies),
      "boundaries": .array(boundaries),
      "asks": .array(asks.map { [.string($0.identity), .string($0.action), .string($0.resource)] }),
    ]
  }

  var graph: AccessGraph {
    let graph = AccessGraph()
    for (index, change) in changes.enumerated() {
      graph.apply(
        Event(
          position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(0),
          recordedAt: Universe.instant(0).adding(microseconds: Int64(index)), source: "s", basis: .declared,
          authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"), change: change))
    }
    graph.publish()
    return graph
  }

  private static func permission(_ random: inout SeededGenerator) -> Permission {
    Permission(
      effect: random.chance(1, in: 5) ? .deny : .allow,
      actions: [random.pick(actionPatterns)] + random.some(actionPatterns, chance: 1, in: 6),
      resources: [random.pick(resourcePatterns)] + random.some(resourcePatterns, chance: 1, in: 6))
  }

  private static func document(of permission: Permission) -> JSONValue {
    [
      "effect": .string(permission.effect.rawValue), "actions": .array(permission.actions.map { .string($0) }),
      "resources": .array(permission.resources.map { .string($0) }),
    ]
  }

  private static func subjects(_ random: inout SeededGenerator) -> JSONObject {
    let names = identities.map { "identity:\($0)" } + groups.map { "group:\($0)" }
    var rule: JSONObject = ["principals": .null]
    if random.chance(2, in: 3) { rule["principals"] = .array(random.some(names, chance: 1, in: 3).map { .string($0) }) }
    rule["except"] = .array(random.some(names, chance: 1, in: 8).map { .string($0) })
    return rule
  }
}

/// Cedar, by its Python package.
private enum Cedar {
  /// Whether the package can be imported.
  static let isThere: Bool = (try? run(["-c", "import cedarpy"], input: nil).status) == 0

  /// One text of A (allowed) and D (denied) for each organisation.
  static func decide(_ organisations: [JSONValue]) throws -> [[Character]] {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "cedar.py")
    let input = FileManager.default.temporaryDirectory.appending(path: "cedar-\(UUID()).ndjson")
    defer { try? FileManager.default.removeItem(at: input) }
    let lines = organisations.map { $0.canonicalText + "\n" }.joined()
    try lines.write(to: input, atomically: true, encoding: .utf8)
    let (status, output) = try run([script.path], input: try FileHandle(forReadingFrom: input))
    #expect(status == 0)
    let decisions = output.split(separator: "\n").map(Array.init)
    #expect(decisions.count == organisations.count)
    return decisions
  }

  private static func run(_ arguments: [String], input: FileHandle?) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [ProcessInfo.processInfo.environment["TENURE_CEDAR_PYTHON"] ?? "python3"] + arguments
    if let input { process.standardInput = input }
    let output = Pipe()
    process.standardOutput = output
    if input == nil { process.standardError = Pipe() }
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: said, as: UTF8.self))
  }
}
