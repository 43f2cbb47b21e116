import Dispatch
public import EventLog
public import Postgres
import Synchronization
import Temporal

/// What an operator must know of the jobs; they go on as far as they can.
public enum JobAlarm: Hashable, Sendable, CustomStringConvertible {
  /// A run failed; it is tried again, at the next firing at the latest.
  case failed(JobRun)
  /// A receiver wants to hear no more (410 Gone); its webhook has ended, and the system behind it is told nothing.
  case webhookGone(tenant: String, webhook: String)
  /// A receiver does not answer, or answers that it cannot; what it is to be told is tried again for days.
  case receiverUnwell(tenant: String, webhook: String, troubles: Int32)
  /// So many deliveries to a webhook were given up in a run: the system concerned does not know of those events.
  case deliveriesDead(tenant: String, webhook: String, count: Int64)
  /// The scheduler has no connection; another node may lead meanwhile, and this one tries again.
  case schedulerLost(String)

  /// One line for a log.
  public var description: String {
    switch self {
    case .failed(let run):
      "job \(run.job) failed for tenant \(run.tenant), run \(run.number): \(run.error ?? "no reason recorded")"
    case .webhookGone(let tenant, let webhook):
      "webhook \(webhook) of tenant \(tenant) has ended: its receiver answered 410 Gone"
    case .receiverUnwell(let tenant, let webhook, let troubles):
      "webhook \(webhook) of tenant \(tenant) has failed \(troubles) times in a row; tenure webhook deliveries says how"
    case .deliveriesDead(let tenant, let webhook, let count):
      "deliveries given up to webhook \(webhook) of tenant \(tenant): \(count); tenure webhook deliveries says why, and "
        + "tenure webhook retry sends them again"
    case .schedulerLost(let why): "the scheduler of jobs has lost the database, and runs none: \(why)"
    }
  }
}

/// Runs jobs for all tenants when they are due, on a thread of its own; of all nodes one leads.
///
/// Two kinds of session-level advisory lock, both on the scheduler's one connection:
/// - *One for the scheduler.* Its holder leads; the others ask for it at each tick. Without it every node would look at every
///   tenant, and nodes whose clocks differ would each run what the other just ran, for each would see the other's run in the past.
/// - *One for each run*, by tenant and job, see ``JobRunner``: `tenure job run` takes it too, and leads nobody.
///
/// Whoever loses the connection loses both: it starts no further run, and the one that it was at fails at its next page, for
/// jobs work through the same connection. Until the server notices, nobody else leads; what a run still appends is recorded
/// once all the same, by its idempotency keys.
///
/// Runs go one after another, the one that has been due longest first. No tenant keeps the others waiting for ever: a run ends
/// at the next page once it has taken ``runSeconds``, goes on at its next firing, and stands at the end of the line until then;
/// every statement and every wait for a lock within it is limited.
public final class Scheduler: Sendable {
  /// Between two looks at what is due; schedules count in minutes.
  static let tickMilliseconds = 5_000
  /// Before the next attempt to connect.
  private static let reconnectMilliseconds = 2_000
  /// How long a run may take while others wait.
  static let runSeconds = 60

  private let store: EventStore
  private let jobs: [Job]
  private let process: String
  private let connect: @Sendable () throws -> Connection
  private let alarm: @Sendable (JobAlarm) -> Void
  private let queue = DispatchQueue(label: "tenure.jobs")
  private let isStopped = Mutex(false)
  private let stopping = DispatchSemaphore(value: 0)

  /// A scheduler that has not started.
  ///
  /// - Parameters:
  ///   - jobs: what it runs. The default is every job there is.
  ///   - store: the logs that jobs append to; its clock says what is due.
  ///   - process: how the history names this process, `host/pid`.
  ///   - connect: makes a connection of the service role.
  ///   - alarm: told what an operator must know. The default drops it.
  /// - Throws: ``JobError`` for a schedule that never fires and for two jobs of one name.
  public init(
    _ jobs: [Job] = Job.all, store: EventStore, process: String, connect: @escaping @Sendable () throws -> Connection,
    alarm: @escaping @Sendable (JobAlarm) -> Void = { _ in }
  ) throws(JobError) {
    var names: Set<String> = []
    for job in jobs {
      guard names.insert(job.name).inserted else { throw .nameTaken(job.name) }
      guard job.schedule.next(after: store.settings.clock()) != nil else {
        throw .neverFires(job: job.name, schedule: job.schedule.description)
      }
    }
    self.jobs = jobs
    self.store = store
    self.process = process
    self.connect = connect
    self.alarm = alarm
  }

  /// Starts to run what is due.
  public func start() {
    queue.async { self.run() }
  }

  /// Stops; returns when the run under way has come to its next page.
  public func stop() {
    isStopped.withLock { $0 = true }
    stopping.signal()
    queue.sync {}
  }

  private var isRunning: Bool { !isStopped.withLock { $0 } }

  private func run() {
    var isLost = false
    while isRunning {
      do {
        let term = try Term(self)
        isLost = false
        while isRunning {
          try term.tick()
          _ = stopping.wait(timeout: .now() + .milliseconds(Self.tickMilliseconds))
        }
      } catch {
        if !isLost { alarm(.schedulerLost("\(error)")) }
        isLost = true
        if isRunning { _ = stopping.wait(timeout: .now() + .milliseconds(Self.reconnectMilliseconds)) }
      }
    }
  }

  /// What one connection is good for: at first a candidate, then perhaps the leader, until the connection ends.
  final class Term {
    private let scheduler: Scheduler
    private let runner: JobRunner
    /// Whether this one leads.
    private(set) var isLeader = false

    init(_ scheduler: Scheduler) throws {
      self.scheduler = scheduler
      runner = try JobRunner(
        store: scheduler.store, connection: try scheduler.connect(), process: scheduler.process, alarm: scheduler.alarm)
    }

    /// The process that serves the connection.
    var backendProcessID: Int32 { runner.connection.backendProcessID }

    /// Runs what is due, if this one leads.
    ///
    /// - Returns: the runs, in their order.
    /// - Throws: what the connection throws; then this term is over.
    @discardableResult
    func tick() throws -> [JobRun] {
      guard try leads() else { return [] }
      var runs: [JobRun] = []
      for due in try dueRuns() where scheduler.isRunning {
        let end = ContinuousClock.now + .seconds(Scheduler.runSeconds)
        let run = try runner.run(due.job, for: due.tenant, scheduledFor: due.moment) { [scheduler] in
          !scheduler.isRunning || .now > end
        }
        guard let run else { continue }
        runs.append(run)
        if run.state == .failed { scheduler.alarm(.failed(run)) }
      }
      return runs
    }

    /// Whether this one leads, or can from now on.
    private func leads() throws -> Bool {
      // Asked for once: a session may take the same lock many times, and would have to give it back as often.
      if !isLeader {
        isLeader = try runner.connection.query("SELECT pg_try_advisory_lock(0, tenure.job_lock('scheduler'))")[0].bool(0)
      }
      return isLeader
    }

    /// What is due now, that which has been due longest first.
    private func dueRuns() throws -> [(tenant: JobTenant, job: Job, moment: Instant)] {
      let now = scheduler.store.settings.clock()
      var newest: [String: [String: JobRun]] = [:]
      for run in try JobRun.newestOfEach(scheduler.jobs.map(\.name), on: runner.connection) {
        newest[run.tenant, default: [:]][run.job] = run
      }
      var due: [(tenant: JobTenant, job: Job, moment: Instant)] = []
      for tenant in try JobTenant.all(on: runner.connection) {
        for job in scheduler.jobs {
          guard let moment = job.due(at: now, after: newest[tenant.name]?[job.name]), moment <= now else { continue }
          due.append((tenant, job, moment))
        }
      }
      return due.sorted { ($0.moment, $0.tenant.id) < ($1.moment, $1.tenant.id) }
    }
  }
}
