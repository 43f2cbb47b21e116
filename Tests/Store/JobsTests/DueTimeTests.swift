import Temporal
import Testing

@testable import Jobs

/// When a job is due, whatever clocks did; times are of May 2024.
@Suite struct DueTimeTests {
  private static func job(_ schedule: String, _ catchUp: Job.CatchUp) throws -> Job {
    Job(name: "test", summary: "", schedule: try CronSchedule(schedule), catchUp: catchUp) { _ in JobReport(counts: [:]) }
  }

  private static func instant(_ text: String) throws -> Instant { try Instant(rfc3339: "2024-05-\(text)Z") }

  private static func run(_ startedAt: String, _ state: JobRun.State = .succeeded) throws -> JobRun {
    let started = try instant(startedAt)
    return JobRun(
      tenant: "t", job: "test", number: 7, scheduledFor: started, startedAt: started, state: state, counts: [:], process: "h/1")
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let catchUp: Job.CatchUp
    var schedule = "*/5 * * * *"
    /// When the newest run began; nil where there is none.
    var newest: String?
    var state = JobRun.State.succeeded
    let now: String
    let due: String

    static let all: [Case] = [
      Case(testDescription: "never run: at once", catchUp: .once, now: "01T12:01:00", due: "01T12:01:00"),
      Case(testDescription: "the next firing", catchUp: .once, newest: "01T12:00:01", now: "01T12:01:00", due: "01T12:05:00"),
      Case(testDescription: "run on the firing", catchUp: .once, newest: "01T12:00:00", now: "01T12:00:00", due: "01T12:05:00"),
      Case(
        testDescription: "run just before it", catchUp: .once, newest: "01T11:59:59", now: "01T12:00:00", due: "01T12:00:00"),
      Case(
        testDescription: "a day missed, or a clock a day ahead: due since the first firing missed, and one run stands for all",
        catchUp: .once, newest: "01T12:00:01", now: "02T12:01:00", due: "01T12:05:00"),
      Case(
        testDescription: "after it: the next firing", catchUp: .once, newest: "02T12:01:00", now: "02T12:01:01",
        due: "02T12:05:00"),
      Case(
        testDescription: "the clock is a day back: at once", catchUp: .once, newest: "02T12:01:00", now: "01T12:01:00",
        due: "01T12:01:00"),
      Case(
        testDescription: "after it: as scheduled, by the clock there is", catchUp: .once, newest: "01T12:01:00",
        now: "01T12:02:00", due: "01T12:05:00"),
      Case(
        testDescription: "a daily job and a clock a day back: at once", catchUp: .once, schedule: "0 3 * * *",
        newest: "02T03:00:00", now: "01T12:00:00", due: "01T12:00:00"),
      Case(
        testDescription: "clocks of nodes a little apart: nothing twice", catchUp: .once, newest: "01T12:00:02",
        now: "01T11:59:58", due: "01T12:05:00"),
      Case(
        testDescription: "a failure is tried again", catchUp: .once, schedule: "0 3 * * *", newest: "01T03:00:00",
        state: .failed, now: "01T03:01:00", due: "01T03:05:00"),
      Case(
        testDescription: "so is what was lost", catchUp: .once, schedule: "0 3 * * *", newest: "01T03:00:00", state: .lost,
        now: "01T03:01:00", due: "01T03:05:00"),
      Case(
        testDescription: "but not later than the next firing", catchUp: .once, schedule: "* * * * *", newest: "01T03:00:00",
        state: .failed, now: "01T03:00:10", due: "01T03:01:00"),
      Case(
        testDescription: "what runs is not tried again", catchUp: .once, schedule: "0 3 * * *", newest: "01T03:00:00",
        state: .running, now: "01T03:30:00", due: "02T03:00:00"),
      Case(testDescription: "no catching up: never run", catchUp: .none, now: "01T12:03:30", due: "01T12:05:00"),
      Case(testDescription: "no catching up: a little late", catchUp: .none, now: "01T12:01:30", due: "01T12:00:00"),
      Case(
        testDescription: "no catching up: run already", catchUp: .none, newest: "01T12:00:01", now: "01T12:01:30",
        due: "01T12:05:00"),
      Case(
        testDescription: "no catching up: a day missed", catchUp: .none, newest: "01T12:00:01", now: "02T12:03:30",
        due: "02T12:05:00"),
      Case(
        testDescription: "no catching up: a clock a day back", catchUp: .none, newest: "02T12:00:01", now: "01T12:03:30",
        due: "01T12:05:00"),
      Case(
        testDescription: "no catching up: a failure waits for its next firing", catchUp: .none, newest: "01T12:00:01",
        state: .failed, now: "01T12:03:30", due: "01T12:05:00"),
    ]
  }

  @Test(arguments: Case.all) func `a job is due`(_ case: Case) throws {
    let job = try Self.job(`case`.schedule, `case`.catchUp)
    let newest = try `case`.newest.map { try Self.run($0, `case`.state) }
    #expect(job.due(at: try Self.instant(`case`.now), after: newest) == (try Self.instant(`case`.due)))
  }

  /// A clock that is wrong for two hours, an hour at a time: what runs, minute by minute.
  @Test(arguments: [Int64(86_400_000_000), -86_400_000_000])
  func `a clock that jumps a day and back skips nothing and makes no storm`(jump: Int64) throws {
    let job = try Self.job("*/5 * * * *", .once)
    var newest: JobRun?
    var started: [Int64] = []
    let begin = try Self.instant("05T00:00:00")
    for minute in Int64(0)..<180 {
      let isWrong = (60..<120).contains(minute)
      let now = begin.adding(microseconds: minute * 60_000_000 + (isWrong ? jump : 0))
      guard let due = job.due(at: now, after: newest), due <= now else { continue }
      started.append(minute)
      newest = try Self.run("05T00:00:00")
      newest?.startedAt = now
    }
    // At each jump at most one more than the schedule says; and never more than five minutes without one.
    #expect(started.count <= 36 + 2)
    #expect(zip(started, started.dropFirst()).allSatisfy { $1 - $0 <= 5 })
    #expect((started.last ?? 0) >= 175)
  }

  @Test func `a daily job is run on each day although the clock was a day ahead in between`() throws {
    let job = try Self.job("0 0 * * *", .once)
    var newest: JobRun? = try Self.run("01T00:00:00")
    func runsAt(_ text: String) throws -> Bool {
      let now = try Self.instant(text)
      guard let due = job.due(at: now, after: newest), due <= now else { return false }
      newest = try Self.run(text)
      return true
    }
    #expect(try !runsAt("01T12:00:00"))
    #expect(try runsAt("02T12:00:00"))  // a day ahead
    #expect(try runsAt("01T12:05:00"))  // set right
    #expect(try !runsAt("01T23:59:59"))
    #expect(try runsAt("02T00:00:00"))
    #expect(try !runsAt("02T12:00:00"))
    #expect(try runsAt("03T00:00:01"))
  }
}
