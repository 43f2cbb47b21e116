import Cryptography
public import EventLog
public import Governance
import HTTP
public import JSON

/// A command that has a path of its own: its verb, and the member that the path names.
///
/// The one handler serves them all; what the members are is the verb's matter.
struct Write: Sendable {
  let verb: Verb
  let pattern: String
  /// The member that the pattern's parameter names; nil where the body names everything.
  let fromPath: String?
  let status: Int
  /// The operation's id where the verb's is taken.
  let operation: String?

  /// A path for a verb.
  ///
  /// - Precondition: there is such a verb.
  init(_ verb: String, _ pattern: String, status: Int = 200, operation: String? = nil) {
    self.operation = operation
    guard let found = Verb.named(verb) else { preconditionFailure("no such verb: \(verb)") }
    self.verb = found
    self.pattern = pattern
    fromPath = pattern.split(separator: "/").first { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    self.status = status
  }

  var endpoint: Endpoint {
    let members = CommandSchema.members(of: verb).filter { $0.name != fromPath }
    let operation = verb.name.split { $0 == "." || $0 == "_" }.enumerated().map { index, word in
      index == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
    }
    return Endpoint(
      .post, pattern, self.operation ?? operation.joined(), "The command \(verb.name)", .body(members), status: status,
      isWrite: true
    ) { call in try record(call) }
  }

  private func record(_ call: Call) throws -> Outcome {
    var object = try call.input()
    if let member = fromPath {
      if object[member] != nil { throw JSONFieldError(pointer: "/" + member, problem: "is named by the path") }
      let text = call.parameters[member]
      object[member] = verb.eventType == "event.voided" ? .integer(try Self.position(text)) : .string(text)
    }
    NewIDs.name(&object, verb, key: call.headers.commandID, index: 0)
    var reader = FieldReader(object: object)
    let command: Command
    do throws(JSONFieldError) {
      command = try Command(verb, reading: &reader)
      try reader.finish()
    } catch {
      // What is wrong with the path is no member of the body.
      guard let member = fromPath, error.pointer == "/" + member else { throw error }
      throw Problem(
        .malformed, "the \(member) in the path \(error.problem)",
        places: [Problem.Place(kind: "parameter", name: member, detail: error.problem)])
    }
    let (entity, status) = (command.change.entity, status)
    var finding: String?
    if case .findingRaised(let raised) = command.change { finding = raised.id }
    return .recording(call.tenant, Intake.governed([command], call), addressed: fromPath) { [finding] receipt in
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("entity", entity.description)
      if let finding { writer.member("finding", finding) }
      receipt.writeMembers(to: &writer)
      if entity.kind == .request { Self.writeState(of: entity.id, after: receipt, call.questions, to: &writer) }
      writer.endObject()
      return .json(writer.take(), status: status, position: receipt.position)
    }
  }

  /// Where a request stands after a step: an approval may have made it fail.
  private static func writeState(
    of request: String, after receipt: Receipt, _ questions: Questions, to writer: inout JSONWriter
  ) {
    let known = receipt.lastPosition.map { AsKnownAt.position($0) } ?? .head
    let report = try? questions.request(request, at: receipt.recordedAt, asKnownAt: known)
    writer.member("state", report?.shown.standing.state.rawValue)
  }

  /// A position that stands in a path.
  static func position(_ text: String) throws(Problem) -> Int64 {
    guard let position = Int64(text), position > 0, position <= JSONValue.largestExactInteger else {
      throw Problem(
        .malformed, "the position in the path must be 1, 2, 3, …",
        places: [Problem.Place(kind: "parameter", name: "position", detail: "must be 1, 2, 3, …")])
    }
    return position
  }
}

/// Who writes through the API, and as what.
enum Intake {
  /// The source that facts belong to which came through the API.
  static let source = "api"

  /// Callers are not told apart until they are authenticated.
  static let recorder = Recorder(id: "api", authentication: "local")

  /// A batch of governed commands.
  static func governed(_ commands: [Command], _ call: Call) -> Submission {
    Submission(
      commandID: call.headers.commandID, mode: .governed, source: source, basis: .declared, recordedBy: recorder,
      correlationID: call.headers.correlationID, commands: commands)
  }
}

/// Steps of access requests and reviews, and confirmations of endings, that come by the command instead of HTTP.
public enum RequestIntake {
  /// Reads the members of a command, and gives a new request an id.
  public static func command(_ members: JSONObject, id: String?) throws(JSONFieldError) -> Command {
    var members = members
    if let id { members["id"] = .string(id) }
    if let verb = members["type"]?.stringValue.flatMap(Verb.named) { NewIDs.name(&members, verb, key: nil, index: 0) }
    return try Command(.object(members))
  }

  /// A batch; the facts belong to the same source as those that came by HTTP.
  public static func submission(_ commands: [Command], recordedBy recorder: String) -> Submission {
    Submission(
      mode: .governed, source: Intake.source, basis: .declared,
      recordedBy: Recorder(id: recorder, authentication: "local"), commands: commands)
  }
}

/// Ids for assignments, requests and reviews for which the caller did not choose one.
enum NewIDs {
  /// Adds the id, where a grant or a request has none.
  ///
  /// With an idempotency key it follows from the key, so that the same request sent again is the same command.
  static func name(_ object: inout JSONObject, _ verb: Verb, key: String?, index: Int) {
    let prefixes = ["assignment.granted": "a-", "request.submitted": "r-", "review.opened": "v-"]
    guard let prefix = prefixes[verb.eventType], object["id"] == nil else { return }
    let digits =
      key.map { SHA256.digest(Array("\($0)\n\(index)".utf8)).hexadecimal }
      ?? Hexadecimal.encode(SecureRandom.bytes(randomBytes))
    object["id"] = .string(prefix + digits.prefix(2 * randomBytes))
  }

  /// As many as a random UUID has.
  private static let randomBytes = 16
}

extension Receipt {
  /// Writes what became of a batch.
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("command_id", commandID)
    writer.member("recorded_at", recordedAt)
    writer.member("events", events.map { .integer($0) })
    writer.member("replayed", isReplay)
    writer.member("position", position)
  }
}
