public import Cryptography
public import Governance
import JSON
public import Temporal

/// One atomic batch of commands: all of them take effect, or none does.
public struct Submission: Hashable, Sendable {
  /// The idempotency key; nil where the caller has none, and one is made.
  public var commandID: String?
  /// Whether rules may refuse.
  public var mode: CommandMode
  /// The source that the facts will belong to.
  public var source: String
  /// How Tenure comes to know of it.
  public var basis: Basis
  /// Who writes it here.
  public var recordedBy: Recorder
  /// W3C trace id, where the caller gave one.
  public var correlationID: String?
  /// The commands, in order; later ones see what earlier ones made.
  public var commands: [Command]
  /// What was asked, where the commands were made from that and not brought by the caller.
  ///
  /// With the same key the same may be asked again, though other commands would come of it by now: it stands for them.
  public var asked: Digest?
  /// What the commands were made from; where it is otherwise when they are decided, the batch is refused.
  public var premises: [Premise]

  /// A batch.
  public init(
    commandID: String? = nil, mode: CommandMode, source: String, basis: Basis, recordedBy: Recorder,
    correlationID: String? = nil, commands: [Command], premises: [Premise] = []
  ) {
    self.commandID = commandID
    self.mode = mode
    self.source = source
    self.basis = basis
    self.recordedBy = recordedBy
    self.correlationID = correlationID
    self.commands = commands
    self.premises = premises
  }
}

/// A fact as it stood when commands were made from it.
///
/// Without it, what somebody else wrote between the making and the deciding would be written over unseen.
public struct Premise: Hashable, Sendable {
  /// The fact.
  public var fact: Fact
  /// Its visible entries.
  public var entries: [Entry]

  /// A premise that a world gives.
  public init(_ fact: Fact, in world: some World) {
    self.fact = fact
    entries = world.entries(of: fact)
  }

  /// Whether it is still so.
  func holds(in world: some World) -> Bool { world.entries(of: fact) == entries }
}

/// The answer to a batch that was accepted.
public struct Receipt: Hashable, Sendable {
  /// The idempotency key, the caller's or the one made.
  public var commandID: String
  /// The first event's position; nil where the batch made no events.
  public var firstPosition: Int64?
  /// The last event's position; nil where the batch made no events.
  public var lastPosition: Int64?
  /// When the batch was recorded.
  public var recordedAt: Instant
  /// The head after the batch.
  public var position: Int64
  /// Whether this is the first answer again.
  public var isReplay: Bool

  /// A receipt; the log makes them, and doubles of it in tests.
  public init(
    commandID: String, firstPosition: Int64?, lastPosition: Int64?, recordedAt: Instant, position: Int64, isReplay: Bool
  ) {
    self.commandID = commandID
    self.firstPosition = firstPosition
    self.lastPosition = lastPosition
    self.recordedAt = recordedAt
    self.position = position
    self.isReplay = isReplay
  }

  /// The positions of the events that the batch made, in order.
  public var events: [Int64] {
    guard let firstPosition, let lastPosition else { return [] }
    return Array(firstPosition...lastPosition)
  }
}

/// Why a batch has no receipt.
public enum SubmissionFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// A rule or a limit forbids it; nothing was recorded.
  case refused(Refusal)
  /// The tenant stopped at an event that cannot be read; nothing was recorded.
  case degraded(UndecodableEvent)
  /// So many batches wait for this tenant already; nothing was recorded, ask again later.
  case overloaded(limit: Int)
  /// So many bytes wait for this tenant already; nothing was recorded, ask again later.
  case overloadedBytes(limit: Int)
  /// The database failed and surely nothing was recorded; the batch may be sent again.
  case nothingRecorded(String)
  /// The database cannot be reached since COMMIT was sent; ask again with the same key to learn the outcome.
  case outcomeUnknown(commandID: String, String)
  /// The store is stopping; nothing was recorded.
  case closed

  /// One line for a log or an answer.
  public var description: String {
    switch self {
    case .refused(let refusal): refusal.description
    case .degraded(let event): "the tenant is degraded: \(event)"
    case .overloaded(let limit): "more than \(limit) batches wait for this tenant; ask again later"
    case .overloadedBytes(let limit): "more than \(limit) bytes wait for this tenant; ask again later"
    case .nothingRecorded(let why): "nothing was recorded: \(why)"
    case .outcomeUnknown(let key, let why): "whether \(key) was recorded is not known, ask again with this key: \(why)"
    case .closed: "the store is stopping; nothing was recorded"
    }
  }
}
