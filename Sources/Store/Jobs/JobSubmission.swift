import Cryptography
import EventLog
import Governance
import Temporal

/// What jobs record about something that comes to its end.
extension Submission {
  /// The key that makes it come once, whoever else is at the same end and wherever a run was killed.
  ///
  /// Hashed, for an id may be as long as a key. Never changed: the same key with another body is refused.
  static func key(ofJob job: String, about id: String, end: Instant) -> String {
    "\(job):\(SHA256.digest(of: [Array(id.utf8), [0], Array(end.description.utf8)]))"
  }

  /// A batch of its own for one end; the job is its recorder and the source of its events.
  static func byJob(_ job: String, about id: String, end: Instant, _ command: Command) -> Submission {
    // Declared: the grant or the request said so; that nobody can use it any more in the system itself is for a reading to say.
    var submission = byJob(job, command)
    submission.commandID = key(ofJob: job, about: id, end: end)
    return submission
  }

  /// A batch of its own for what may have to be said again; what keeps it from being said twice is the world that decides it.
  static func byJob(_ job: String, _ command: Command) -> Submission {
    let recorder = "tenure job \(job)"
    return Submission(
      mode: .governed, source: recorder, basis: .declared, recordedBy: Recorder(id: recorder, authentication: "local"),
      commands: [command])
  }
}
