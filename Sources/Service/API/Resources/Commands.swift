import EventLog
import Governance
import HTTP
import JSON

/// `/v1/commands`: many commands at once, all or none of them, or each on its own.
extension Endpoint {
  static let commands = Endpoint(
    .post, "/v1/commands", "sendCommands", "Sends a batch of commands",
    .body([
      Member("commands", CommandSchema.list, required: true, "Each with its type; later ones see what earlier ones made"),
      Member("atomic", ["type": "boolean"], "All or none (the default), or each on its own"),
      Member(
        "observations", ["type": "boolean"],
        "Reality to be recorded, not changes asked for: what rules forbid becomes a finding"),
      Member("source", Schemas.id, "Of observations: the source that the facts belong to"),
      Member("basis", Schemas.choice(Basis.self), "Of observations: how the source came to know"),
    ]), isWrite: true
  ) { call in
    let batch = try Batch(call)
    guard batch.isAtomic else { return .waiting { try batch.recordEach(call.tenant) } }
    return .recording(call.tenant, batch.submissions[0], addressed: nil) { receipt in
      var writer = JSONWriter()
      writer.beginObject()
      receipt.writeMembers(to: &writer)
      writer.endObject()
      return .json(writer.take(), position: receipt.position)
    }
  }
}

/// A batch as it was sent.
private struct Batch: Sendable {
  let isAtomic: Bool
  /// One of all commands, or one for each.
  let submissions: [Submission]

  init(_ call: Call) throws {
    var reader = FieldReader(object: try call.input())
    isAtomic = try reader.optionalBool("atomic") ?? true
    let isObservation = try reader.optionalBool("observations") ?? false
    let source = try reader.optionalID("source")
    let basis = try reader.optionalString("basis") == nil ? nil : try reader.choice("basis", of: Basis.self)
    if isObservation, source == nil { throw reader.error("source", "is missing; observations belong to a source") }
    if !isObservation, source != nil { throw reader.error("source", "belongs to observations") }
    if !isObservation, basis != nil { throw reader.error("basis", "belongs to observations") }
    let items = try reader.array("commands", maximumCount: Int.max)
    guard items.count <= Limits.commandsPerBatch else {
      let detail = "has more than \(Limits.commandsPerBatch) elements"
      let place = Problem.Place(kind: "pointer", name: "/commands", detail: detail)
      throw Problem(.limitExceeded, "/commands \(detail)", places: [place], limit: "commands_per_batch")
    }
    if items.isEmpty { throw reader.error("commands", "must not be empty") }
    try reader.finish()
    let key = call.headers.commandID
    let commands = try items.enumerated().map { index, item in try Self.command(item, index, key) }
    var whole = Intake.governed(commands, call)
    if isObservation {
      whole.mode = .observation
      whole.source = source ?? whole.source
      whole.basis = basis ?? .observed
      if basis == .enforced {
        throw JSONFieldError(pointer: "/basis", problem: "cannot be asserted as enforced: that is said of Tenure's own checks")
      }
    }
    submissions = isAtomic ? [whole] : Self.split(whole)
  }

  private static func command(_ item: JSONValue, _ index: Int, _ key: String?) throws(JSONFieldError) -> Command {
    guard var object = item.objectValue, let verb = object["type"]?.stringValue.flatMap(Verb.named) else {
      return try Command(item, at: "/commands/\(index)")
    }
    NewIDs.name(&object, verb, key: key, index: index)
    return try Command(.object(object), at: "/commands/\(index)")
  }

  /// Each command on its own; the key of each follows from the batch's, with a space that no caller's own key can have.
  private static func split(_ whole: Submission) -> [Submission] {
    whole.commands.enumerated().map { index, command in
      var one = whole
      one.commandID = whole.commandID.map { "\($0) \(index)" }
      one.commands = [command]
      return one
    }
  }

  func recordEach(_ tenant: Tenant) throws -> Response {
    let results: [Result<Receipt, Refusal>]
    do throws(SubmissionFailure) {
      results = try tenant.append(submissions)
    } catch {
      var problem = Problem(error)
      problem.detail = "the batch was cut off and some of it may be recorded; send it again with the same Idempotency-Key"
      throw problem
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("results")
    writer.beginArray()
    for (index, result) in results.enumerated() {
      switch result {
      case .success(let receipt):
        writer.beginObject()
        writer.member("status", 200)
        receipt.writeMembers(to: &writer)
        writer.endObject()
      case .failure(var refusal):
        refusal.pointer = "/commands/\(index)" + refusal.pointer
        writer.value(Problem(refusal).json)
      }
    }
    writer.endArray()
    let position = tenant.head.position
    writer.member("position", position)
    writer.endObject()
    return .json(writer.take(), position: position)
  }
}
