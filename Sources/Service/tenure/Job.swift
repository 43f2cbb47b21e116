import EventLog
import JSON
import Jobs
import Postgres
import Temporal

extension Subcommand {
  static let job = Subcommand(
    name: "job", summary: "lists the jobs, runs one, and shows the history of their runs",
    usage: """
      job list                    the jobs, when they ran last and when they are due, for each tenant
          tenure job run NAME         runs one now, whether it is due or not; exit status 1: another process is at it
          tenure job history [NAME]   the newest runs first [--limit 20]

      Without --tenant each is about every tenant. `tenure serve --jobs` runs them when they are due; cron or a systemd timer
      may do it instead, with `tenure job run NAME`.
      """
  ) { arguments in
    switch try arguments.word("what to do (list, run or history)") {
    case "list": return try listJobs(&arguments)
    case "run": return try runJob(&arguments)
    case "history": return try showHistory(&arguments)
    case let other: throw UsageError("there is no tenure job \(other); there are list, run and history")
    }
  }

  private static func listJobs(_ arguments: inout Arguments) throws -> ExitStatus {
    let format = try arguments.format()
    let only = arguments.option("tenant")
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let connection = try session.connect()
      let tenants = try session.tenants(only, on: connection)
      let now = session.store.settings.clock()
      let newest = try JobRun.newestOfEach(Job.all.map(\.name), on: connection)
      let entries = Job.all.flatMap { job in
        tenants.map { tenant in
          let last = newest.first { $0.job == job.name && $0.tenant == tenant.name }
          return JobEntry(job: job, tenant: tenant.name, last: last, due: job.due(at: now, after: last))
        }
      }
      switch format {
      case .json:
        let answer: JSONValue = ["jobs": .array(entries.map(\.json))]
        try Output.standard.writeBytes(answer.canonicalBytes() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeText(JobEntry.text(entries, at: now))
      }
      return .yes
    }
  }

  private static func runJob(_ arguments: inout Arguments) throws -> ExitStatus {
    let job = try arguments.job(try arguments.word("the job's name"))
    let format = try arguments.format()
    let only = arguments.option("tenant")
    var settings = EventStore.Settings()
    settings.graphMemory = GraphMemory.usual  // of many tenants, one after another
    return try withSession(&arguments, settings: settings) { session, arguments in
      try arguments.finish()
      let connection = try session.connect(as: "tenure job \(job.name)")
      let runner = try JobRunner(
        store: session.store, connection: connection, process: Session.process, alarm: Session.tell)
      var status = ExitStatus.yes
      var failed: [JobRun] = []
      let tenants = try session.tenants(only, on: connection)
      if tenants.isEmpty, format == .text { try Output.standard.writeText("there are no tenants\n") }
      for tenant in tenants {
        let run = try runner.run(job, for: tenant)
        switch (run, format) {
        case (let run?, .json): try Output.standard.writeBytes(run.json.canonicalBytes() + [UInt8(ascii: "\n")])
        case (let run?, .text): try Output.standard.writeText("\(run.tenant): \(run.job) run \(run.number) \(run.result)\n")
        case (nil, .json):
          let answer: JSONValue = ["tenant": .string(tenant.name), "job": .string(job.name), "state": "running_elsewhere"]
          try Output.standard.writeBytes(answer.canonicalBytes() + [UInt8(ascii: "\n")])
        case (nil, .text): try Output.standard.writeText("\(tenant.name): another process is at \(job.name) now\n")
        }
        if run == nil { status = .no }
        if let run, run.state == .failed { failed.append(run) }
      }
      // On stderr too, where cron and systemd look.
      if let first = failed.first {
        let others = failed.count == 1 ? "" : ", and for \(failed.count - 1) more"
        throw CommandError("job \(job.name) failed for tenant \(first.tenant)\(others): \(first.error ?? "no reason recorded")")
      }
      return status
    }
  }

  private static func showHistory(_ arguments: inout Arguments) throws -> ExitStatus {
    let name = arguments.word()
    let jobs = try name.map { [try arguments.job($0)] } ?? Job.all
    let format = try arguments.format()
    let only = arguments.option("tenant")
    let limit = try arguments.integer("limit", in: 1...JobRun.maximumListed) ?? 20
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let connection = try session.connect()
      _ = try session.tenants(only, on: connection)
      let runs = try JobRun.newest(of: jobs.map(\.name), tenant: only, limit: limit, on: connection)
      switch format {
      case .json:
        for run in runs { try Output.standard.writeBytes(run.json.canonicalBytes() + [UInt8(ascii: "\n")]) }
      case .text: try Output.standard.writeText(runs.isEmpty ? "no runs\n" : JobRun.text(runs))
      }
      return runs.isEmpty ? .no : .yes
    }
  }
}

extension Arguments {
  fileprivate func job(_ name: String) throws(UsageError) -> Job {
    guard let job = Job.named(name) else {
      throw UsageError("there is no job \(name); there are \(Job.all.map(\.name).joined(separator: ", "))")
    }
    return job
  }
}

extension Session {
  /// Every tenant, or the one of a name, which must exist.
  fileprivate func tenants(_ name: String?, on connection: Connection) throws -> [JobTenant] {
    let tenants = try JobTenant.all(named: name, on: connection)
    if let name, tenants.isEmpty { throw CommandError("there is no tenant \(name)") }
    return tenants
  }
}

/// A job for a tenant, with its last run and when it is due.
private struct JobEntry {
  let job: Job
  let tenant: String
  let last: JobRun?
  let due: Instant?

  var json: JSONValue {
    var entry: JSONObject = [
      "name": .string(job.name), "summary": .string(job.summary), "schedule": .string(job.schedule.expression),
      "zone": .string(job.schedule.zone.name), "catch_up": .string(job.catchUp.rawValue), "tenant": .string(tenant),
    ]
    if let last { entry["last_run"] = last.json }
    if let due { entry["due_at"] = .string(due.description) }
    return .object(entry)
  }

  static func text(_ entries: [JobEntry], at now: Instant) -> String {
    var table = TextTable()
    table.add("job", "schedule", "zone", "missed", "tenant", "last run", "next run")
    for entry in entries {
      let (job, last) = (entry.job, entry.last)
      let due = entry.due.map { $0 <= now ? "now" : $0.description } ?? "never"
      table.add(
        job.name, job.schedule.expression, job.schedule.zone.name, job.catchUp.rawValue, entry.tenant,
        last.map { "\($0.startedAt) \($0.state.rawValue)" } ?? "never", due)
    }
    return table.text
  }
}

extension JobRun {
  /// What became of it, on one line.
  fileprivate var result: String {
    let counts = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    switch state {
    case .running: return "is running, in \(process)"
    case .succeeded: return "succeeded: \(counts.isEmpty ? "nothing counted" : counts)"
    case .failed: return "failed: \(error ?? "no reason recorded")"
    case .lost: return "lost: \(process) died before its end"
    }
  }

  fileprivate static func text(_ runs: [JobRun]) -> String {
    var table = TextTable()
    table.add("tenant", "job", "run", "due since", "started", "took", "result")
    for run in runs {
      let took = run.endedAt.map { Lapse(from: run.startedAt, to: $0).description } ?? ""
      table.add(
        run.tenant, run.job, "\(run.number)", run.scheduledFor.description, run.startedAt.description, took, run.result)
    }
    return table.text
  }

  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "tenant": .string(tenant), "job": .string(job), "run": .integer(number),
      "scheduled_for": .string(scheduledFor.description), "started_at": .string(startedAt.description),
      "state": .string(state.rawValue), "process": .string(process),
    ]
    if let endedAt { object["ended_at"] = .string(endedAt.description) }
    if state == .succeeded { object["counts"] = .object(JSONObject(counts.map { ($0.key, .integer($0.value)) })) }
    if let position { object["position"] = .integer(position) }
    if let error { object["error"] = .string(error) }
    return .object(object)
  }
}
