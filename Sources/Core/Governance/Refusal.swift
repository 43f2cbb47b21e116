/// A command that a rule forbids: no failure, an answer.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was refused, stable for programs.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// A member is wrong in itself.
    case malformed
    /// A named limit was hit.
    case limitExceeded = "limit_exceeded"
    /// A reference names what does not exist at `effective_at`.
    case unknownReference = "unknown_reference"
    /// The named entity exists already.
    case alreadyExists = "already_exists"
    /// The named entity does not exist at `effective_at`.
    case notFound = "not_found"
    /// The fact already holds with this value.
    case noChange = "no_change"
    /// The fact does not hold at `effective_at`.
    case notHeld = "not_held"
    /// An assignment id is used once.
    case idUsed = "id_used"
    /// A group would be its own member, or a role would include itself, at some instant.
    case cycle
    /// Somebody would hold roles together that a policy keeps apart.
    case separationOfDuties = "separation_of_duties"
    /// A backdated or voiding command needs a reason.
    case reasonRequired = "reason_required"
    /// An elevation policy governs it: it takes a request, or has to be said to be unapproved.
    case approvalRequired = "approval_required"
    /// The policy does not let this be asked for.
    case notPermitted = "not_permitted"
    /// Whoever would approve, or act on the request, may not.
    case notEntitled = "not_entitled"
    /// The request does not stand where this can be done.
    case wrongState = "wrong_state"
    /// A grant would last longer than a policy lets any last.
    case tooLong = "too_long"
    /// What the decision rests on has changed since it was looked up; ask again.
    case changedMeanwhile = "changed_meanwhile"
    /// The event cannot be voided.
    case notVoidable = "not_voidable"
    /// The same idempotency key came with another body.
    case keyReused = "idempotency_key_reused"
  }

  /// What was refused.
  public var code: Code
  /// RFC 6901 pointer to the member of the command, `""` for the command as a whole.
  public var pointer: String
  /// One sentence: what is wrong and what to do.
  public var message: String

  /// A refusal.
  public init(_ code: Code, _ message: String, at pointer: String = "") {
    self.code = code
    self.pointer = pointer
    self.message = message
  }

  /// Whether it says that the world as it would be breaches a rule, rather than that the command is wrong.
  public var isBreach: Bool { code == .separationOfDuties || code == .cycle }

  /// Pointer and message in one line.
  public var description: String { pointer.isEmpty ? message : "\(pointer) \(message)" }
}
