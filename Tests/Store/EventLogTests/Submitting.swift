import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

extension Submission {
  /// A batch by the usual caller of these tests.
  static func governed(_ commands: Command..., key: String? = nil) -> Submission {
    Submission(
      commandID: key, mode: .governed, source: "api", basis: .enforced,
      recordedBy: Recorder(id: "test", authentication: "local"), commands: commands)
  }

  /// What a connector saw.
  static func observed(_ commands: Command..., key: String? = nil) -> Submission {
    Submission(
      commandID: key, mode: .observation, source: "connector", basis: .observed,
      recordedBy: Recorder(id: "test", authentication: "local"), commands: commands)
  }
}

extension Command {
  static func register(_ id: String, _ attributes: [String: AttributeValue] = [:]) -> Command {
    Command(.identityRegistered(id: id, kind: .person, attributes: attributes))
  }
  static func create(_ group: String) -> Command { Command(.groupCreated(id: group, attributes: [:])) }
  static func add(_ member: Entity, to group: String) -> Command {
    Command(.membershipAdded(group: group, member: member, expiresAt: nil))
  }
}

extension SubmissionFailure {
  /// The refusal, where it is one.
  var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
}

extension Tenant {
  /// What a batch is refused for.
  func refusal(of submission: Submission) throws -> Refusal {
    let failure = #expect(throws: SubmissionFailure.self) { try submitAndWait(submission) }
    return try #require(failure?.refusal)
  }

  /// Whether an identity exists at the present.
  func knows(_ identity: String) throws -> Bool {
    try read { $0.world(asKnownAt: $0.position).exists(.identity(identity), at: now) }
  }
}

/// What is collected by several threads.
final class Collected<Element: Sendable>: Sendable {
  private let items = Mutex<[Element]>([])
  func add(_ item: Element) { items.withLock { $0.append(item) } }
  var all: [Element] { items.withLock { $0 } }
}

/// An instant of the tests' own calendar: so many seconds into 2024.
func second(_ number: Int64) -> Instant { Instant(microseconds: 1_704_067_200_000_000 + number * 1_000_000) }
