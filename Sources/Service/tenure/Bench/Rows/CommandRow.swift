import Cryptography
import EventLog
import Foundation
import Governance
import Postgres
import Synchronization
import Temporal

extension BenchRow {
  static let commands = BenchRow(
    name: "commands", summary: "durable single commands of 32 callers, against pgbench writing the same rows in one statement"
  ) { context in
    let load = try context.commandLoad()
    let script = context.data + "/insert.pgbench"
    try load.prepare(script, context)
    context.say("single commands: 32 callers, then pgbench, in turn")
    let medians = try Measuring.interleaved([
      { try load.run(seconds: Double(context.size.rateSeconds)) },
      { try load.pgbench(script, context) },
    ])
    return [
      BenchFigure(
        "commands", "\(CommandLoad.callers) callers in this process", ours: .commandsPerSecond(medians[0]),
        peer: .commandsPerSecond(medians[1]), "pgbench -M prepared", ratio: medians[0] / medians[1], target: .atLeast(1.5))
    ] + (try load.overHTTP(context, peer: medians[1]))
  }
}

/// Single commands, each durable before the next of the same caller: persons join groups that are there for that.
final class CommandLoad: Sendable {
  static let callers = 32
  /// Threads that the callers share, as many as pgbench is given.
  private static let threads = 2
  /// Groups to join, and persons who do: so many commands before a membership would be repeated.
  private static let groups = 1_000
  private static let persons = 6_000
  /// Groups that one run over HTTP may fill.
  private static let groupsOfRun = 40

  let tenant: Tenant
  private let next = Atomic<Int>(0)

  init(_ context: BenchContext) throws {
    let plan = OrganisationPlan(seed: BenchSize.seed, identities: Self.persons, events: Self.persons * 7)
    tenant = try context.tenant("commands", plan)
    let groups = (0..<Self.groups).map { Command(.groupCreated(id: Self.group($0), attributes: [:])) }
    try tenant.submitAndWait(Self.submission("load-groups", groups))
  }

  private static func group(_ number: Int) -> String { "load-" + OrganisationNames.padded(number, 4) }

  private static func submission(_ key: String, _ commands: [Command]) -> Submission {
    Submission(
      commandID: key, mode: .governed, source: "api", basis: .declared, recordedBy: OrganisationNames.recorder,
      commands: commands)
  }

  /// A command that was not sent before.
  func fresh() -> Submission {
    let number = next.add(1, ordering: .relaxed).oldValue
    let steady = OrganisationPlan.steady(Self.persons)
    let change = Change.membershipAdded(
      group: Self.group(number / steady % Self.groups), member: .identity(OrganisationNames.person(number % steady)),
      expiresAt: nil)
    let command = Command(change, authority: OrganisationNames.authority(number))
    return Self.submission("load-" + OrganisationNames.padded(number, 10), [command])
  }

  /// Makes the peer's tables and script, and sees that both write rows of the same length.
  func prepare(_ script: String, _ context: BenchContext) throws {
    let receipt = try tenant.submitAndWait(fresh())
    guard let position = receipt.firstPosition, let event = try tenant.events(at: [position]).first else {
      throw AnswersDiffer("an acknowledged command is not in the log")
    }
    let connection = try context.connectAsSuperuser()
    try LogCopies.make(on: connection)
    let leaf = EventCodec.leaf(Array(event.body.utf8)).bytes
    try LogCopies.script(like: event, of: tenant.id, leaf: leaf).write(toFile: script, atomically: true, encoding: .utf8)
    try ChildProgram.run(
      context.programs + "/pgbench", context.programArguments + ["-n", "-M", "prepared", "-f", script, "-t", "1", "tenure"])
    let same = try connection.query(
      """
      SELECT count(*) FROM copies.event e, tenure.event t, copies.memberships m, copies.command c, copies.place p
      WHERE t.tenant_id = \(tenant.id) AND t.position = \(position) AND e.body = t.body AND e.leaf = t.leaf
        AND e.position = p.last_value AND m.position = p.last_value AND c.last_position = p.last_value
      """)[0].int64(0)
    guard same == 1 else { throw AnswersDiffer("pgbench does not write the rows that a command writes") }
  }

  /// Commands a second of so many callers, shared by two threads as pgbench shares its clients.
  func run(seconds: Double) throws -> Double {
    let end = ContinuousClock.now + .seconds(seconds)
    let threads = (0..<Self.threads).map { _ in
      Aside<Result<Int, SubmissionFailure>> { [self] in answered(callers: Self.callers / Self.threads, until: end) }
    }
    return Double(try threads.reduce(0) { try $0 + $1.wait().get() }) / seconds
  }

  /// How many commands of so many callers are answered on this thread, each sending the next when the last is answered.
  private func answered(callers: Int, until end: ContinuousClock.Instant) -> Result<Int, SubmissionFailure> {
    let mailbox = Mailbox<Result<Receipt, SubmissionFailure>>()
    var waiting = callers
    for _ in 0..<callers { tenant.submit(fresh()) { mailbox.put($0) } }
    var count = 0
    while waiting > 0 {
      for answer in mailbox.takeAll() {
        if case .failure(let failure) = answer { return .failure(failure) }
        count += 1
        if ContinuousClock.now < end { tenant.submit(fresh()) { mailbox.put($0) } } else { waiting -= 1 }
      }
    }
    return .success(count)
  }

  /// The seconds that each command took, callers submitting one after another for a time.
  func latencies(callers: Int, seconds: Double) throws -> [Double] {
    let end = ContinuousClock.now + .seconds(seconds)
    return try latencies(callers: callers) { ContinuousClock.now < end }
  }

  func latencies(callers: Int, while goesOn: @escaping @Sendable () -> Bool) throws -> [Double] {
    let threads = (0..<callers).map { _ in
      Aside<Result<[Double], SubmissionFailure>> { [self] in
        var latencies: [Double] = []
        while goesOn() {
          let submission = fresh()
          do throws(SubmissionFailure) {
            let start = ContinuousClock.now
            try tenant.submitAndWait(submission)
            latencies.append((ContinuousClock.now - start).seconds)
          } catch { return .failure(error) }
        }
        return .success(latencies)
      }
    }
    return try threads.map { $0.wait() }.flatMap { try $0.get() }
  }

  func pgbench(_ script: String, _ context: BenchContext) throws -> Double {
    let said = try ChildProgram.run(
      context.programs + "/pgbench",
      context.programArguments + [
        "-n", "-M", "prepared", "-f", script, "-c", "\(Self.callers)", "-j", "\(Self.threads)", "-T",
        "\(context.size.rateSeconds)", "tenure",
      ])
    guard let match = said.firstMatch(of: /tps = ([0-9.]+)/), let rate = Double(match.output.1) else {
      throw ChildFailure(description: "pgbench said no rate: \(said)")
    }
    return rate
  }

  /// The same over HTTP, for information.
  func overHTTP(_ context: BenchContext, peer: Double) throws -> [BenchFigure] {
    let server = try BenchServer(context)
    defer { server.stop() }
    let rates = try (0..<Measuring.runs).map { run in
      // The last groups are kept for this: some for each run, which everybody can join once.
      try server.load(
        "commands.lua", connections: Self.callers, seconds: context.size.rateSeconds,
        environment: [
          "BENCH_TENANT": tenant.name, "BENCH_RUN": "\(run)",
          "BENCH_GROUP": "\(Self.groups - (run + 1) * Self.groupsOfRun)",
          "BENCH_PERSONS": "\(OrganisationPlan.steady(Self.persons))",
        ]
      ).requestsPerSecond
    }
    let rate = Measuring.median(rates)
    return [
      BenchFigure(
        "commands", "\(Self.callers) connections over HTTP", ours: .commandsPerSecond(rate), peer: .commandsPerSecond(peer),
        "pgbench -M prepared", ratio: rate / peer)
    ]
  }
}

/// What comes to a thread from others.
private final class Mailbox<Letter: Sendable>: Sendable {
  private let state = Mutex<(letters: [Letter], isAwaited: Bool)>(([], false))
  private let arrived = DispatchSemaphore(value: 0)

  func put(_ letter: Letter) {
    let isAwaited = state.withLock { state in
      state.letters.append(letter)
      defer { state.isAwaited = false }
      return state.isAwaited
    }
    if isAwaited { arrived.signal() }
  }

  /// All that has come, waiting where there is none.
  func takeAll() -> [Letter] {
    while true {
      let letters = state.withLock { state in
        defer { state.letters = [] }
        state.isAwaited = state.letters.isEmpty
        return state.letters
      }
      if !letters.isEmpty { return letters }
      arrived.wait()
    }
  }
}
