import AccessGraph
import EventLog
import Governance

extension Job {
  /// Finds accounts that belong to no person, what has no owner who is active, and groups without members.
  ///
  /// Counts, as of every job that flags: `found`, what is true; `raised` and `resolved`, the differences to what was open; `already`,
  /// those that another process recorded meanwhile.
  public static let flagOrphans = Job(
    name: FlagOrphans.name, summary: "finds accounts without a person, what has no owner, and groups without members",
    schedule: .fixed("10 2 * * *"), catchUp: .once
  ) { try FlagOrphans(context: $0).run() }
}

/// One run of the job.
private struct FlagOrphans {
  static let name = "flag-orphans"
  static let rules = ["orphaned_account", "ownerless", "empty_group"]
  /// Entities looked at together.
  static let entitiesPerSlice = 256

  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: Self.rules, context: context)
    for kind in [EntityKind.identity, .group, .role, .policy] {
      let ids = try sweep.tenant.read { $0.ids(of: kind) }
      try sweep.look(at: ids, slice: Self.entitiesPerSlice) { slice, graph in
        let world = graph.world(asKnownAt: graph.position)
        return slice.flatMap { world.structuralFindings(about: Entity(kind, $0), at: sweep.now) }
      }
    }
    return try sweep.finish()
  }
}
