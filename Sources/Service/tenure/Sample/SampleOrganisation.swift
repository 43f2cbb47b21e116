import EventLog
import Governance
import Temporal

/// Brightwater, an invented payments company: sixty people and fifteen services over two years, told as a log.
///
/// Deterministic, and made of the same governed commands as any client's. The plot is in `plotLines`; `questions` reveals it.
enum SampleOrganisation {
  /// The source that all its facts belong to.
  static let source = "api"

  /// The batches in the order of their recording, each with the instant at which it was recorded.
  static func submissions() -> [SampleBatch] {
    var positions: [String: Int64] = [:]
    var position: Int64 = 0
    return happenings().enumerated().map { index, happening in
      var commands = happening.commands
      if let grant = happening.voidedGrant, let wrong = positions[grant] {
        commands.insert(Command(.eventVoided(position: wrong), authority: happening.voiding), at: 0)
      }
      // INVARIANT: every command makes one event, and what else comes of a batch is said, so positions are known before
      // anything is recorded.
      for command in commands {
        position += 1
        if case .assignmentGranted(let id, _) = command.change { positions[id] = position }
      }
      position += Int64(happening.beside)
      let submission = Submission(
        commandID: commandID(index), mode: .governed, source: source, basis: .declared,
        recordedBy: Recorder(id: "sample", authentication: "local"), commands: commands)
      return SampleBatch(
        recordedAt: happening.recordedAt, submission: submission, eventCount: commands.count + happening.beside)
    }
  }

  /// The story sorted by recording; no two things are recorded at one instant.
  private static func happenings() -> [Happening] {
    let sorted = plotLines.flatMap { $0 }.sorted { $0.recordedAt < $1.recordedAt }
    for (earlier, later) in zip(sorted, sorted.dropFirst()) {
      precondition(earlier.recordedAt < later.recordedAt, "two happenings are recorded at \(later.recordedAt)")
    }
    return sorted
  }

  private static var plotLines: [[Happening]] {
    [
      founding, staffing, onCallRota,
      contractorMadeAdministrator, leaverForgotten, grantLearntLate, wrongRecordVoided, roleThatGrew, teamInATeam,
      auditorsVisits, parentalLeave, breakInCoverage, temporaryAccess, databasesAreAskedFor, usageDelivered,
      machinesReviewed,
    ]
  }

  /// The idempotency key of a batch.
  ///
  /// The number of the edition changes whenever the story does.
  private static func commandID(_ index: Int) -> String {
    let digits = String(index + 1)
    return "sample-4:" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// A batch of the story.
struct SampleBatch {
  /// The instant at which it is recorded.
  var recordedAt: Instant
  /// The batch.
  var submission: Submission
  /// The events that it makes.
  var eventCount: Int
}

/// One thing that was recorded: an atomic batch of commands.
struct Happening {
  /// When it was recorded.
  var recordedAt: Instant
  /// What it asks for.
  var commands: [Command]
  /// The assignment whose grant it voids first, in the same batch.
  var voidedGrant: String?
  /// By whose authority it voids.
  var voiding = Authority()
  /// Events beside one for each command: what an approval grants, and what is found.
  var beside = 0

  /// Something recorded at an RFC 3339 instant.
  init(_ recordedAt: String, _ commands: [Command], beside: Int = 0) {
    self.recordedAt = Instant(ofStory: recordedAt)
    self.commands = commands
    self.beside = beside
  }
}

extension Instant {
  /// Reads an instant of the story; the text is part of this program, so a wrong one traps.
  init(ofStory text: String) {
    do throws(InstantError) {
      try self.init(dateOrRFC3339: text, endOfDay: false)
    } catch {
      preconditionFailure("\(text) \(error)")
    }
  }
}
