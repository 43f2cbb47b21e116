import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Job {
  /// Finds privileged access that stands without an end, duties that one person holds together, credentials that outlive what they
  /// were obtained under, and broken glass that nobody has looked at.
  ///
  /// Counts as of every job that flags.
  public static let flagBreaches = Job(
    name: FlagBreaches.name,
    summary: "finds standing privilege, duties held together, credentials that outlive their grant, unreviewed broken glass",
    schedule: .fixed("20 2 * * *"), catchUp: .once
  ) { try FlagBreaches(context: $0).run() }
}

/// One run of the job.
private struct FlagBreaches {
  static let name = "flag-breaches"
  static let rules = ["standing_privileged_access", "separation_of_duties", "credential_outlives_grant", unreviewed]
  /// Credentials looked at together.
  static let credentialsPerSlice = 256
  private static let unreviewed = "break_glass_unreviewed"
  /// Roles looked at together, with all their assignments.
  static let rolesPerSlice = 16

  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: Self.rules, context: context)
    let roles = try sweep.tenant.read { $0.ids(of: .role) }
    try sweep.look(at: roles, slice: Self.rolesPerSlice) { slice, graph in
      graph.standingPrivileges(of: slice, from: Viewpoint(at: sweep.now, asKnownAt: graph.position)).map(\.finding)
    }
    // Everyone who may hold one of the roles, in one slice: a policy names few roles. Of one policy's several stretches the last
    // counts, as it does where the log finds them.
    try sweep.look(at: [()], slice: 1) { _, graph in
      graph.world(asKnownAt: graph.position).standingConflicts(at: sweep.now).map(\.finding).reversed()
    }
    let credentials = try sweep.tenant.read { $0.ids(of: .credential) }
    try sweep.look(at: credentials, slice: Self.credentialsPerSlice) { slice, graph in
      let world = graph.world(asKnownAt: graph.position)
      return slice.compactMap { world.survivor($0, at: sweep.now) }
    }
    let windows = try sweep.tenant.read { FindingWindows(in: $0.world(asKnownAt: $0.position), at: sweep.now) }
    let isWhole = try sweep.forEachOpenPage(of: "break_glass") { page in
      let aged = try sweep.tenant.read { graph in
        let world = graph.world(asKnownAt: graph.position)
        return page.filter { standing in
          let scope = world.scope(ofRequest: standing.finding.subject.id, at: sweep.now)
          return standing.state == .open && standing.since <= windows.begin(Self.unreviewed, scope: scope, before: sweep.now)
        }
      }
      try sweep.note(aged.map(Self.unreviewed(_:)))
    }
    if !isWhole { sweep.cutShort() }
    return try sweep.finish()
  }

  /// That nobody has answered the finding that glass was broken.
  private static func unreviewed(_ standing: FindingStanding) -> Finding {
    let evidence: JSONValue = [
      "finding": .string(standing.finding.id), "since": .string(standing.since.description),
      "requester": standing.finding.evidence["requester"] ?? .null,
    ]
    return Finding(rule: unreviewed, subject: standing.finding.subject, evidence: evidence)
  }
}

extension World {
  /// On what a request asks for something; `*` where it lies nowhere.
  fileprivate func scope(ofRequest id: String, at t: Instant) -> String {
    switch request(id, at: t)?.terms.proposal {
    case .assignment(_, _, let scope, _): return scope
    case .assignmentExtension(let assignment):
      guard case .grant(let grant)? = holds(.assignment(id: assignment)).last?.value else { return "*" }
      return grant.scope
    default: return "*"
    }
  }

  /// That a credential works at t though what it was obtained under has ended.
  fileprivate func survivor(_ id: String, at t: Instant) -> Finding? {
    guard let standing = credential(id, at: t) else { return nil }
    let outlived = outlived(by: standing, at: t)
    if outlived.isEmpty { return nil }
    var evidence: JSONObject = [
      "kind": .string(standing.document.kind.rawValue), "identity": .string(standing.document.identity),
    ]
    for one in outlived {
      evidence[one.what.rawValue + "_ended"] = ["id": .string(one.id), "at": .string(one.endedAt.description)]
    }
    return Finding(
      rule: "credential_outlives_grant", subject: .credential(id), evidence: .object(evidence),
      fix: ["type": "credential.revoke", "id": .string(id)])
  }
}
