import Cryptography
import EventLog
import Governance
import HTTP
import JSON

/// A batch that a call does not bring but has made: from what is so when it is asked for.
///
/// Asked for again with the same idempotency key and the same body, it gives the first answer and makes nothing: made anew, it would be
/// another batch, for the first has been done. So what is kept with the key is the digest of what was asked.
struct PlannedBatch {
  private let call: Call
  private let asked: Digest

  init(_ call: Call, _ input: JSONObject) {
    self.call = call
    asked = SHA256.digest(Array(call.request.rawPath.utf8) + [0] + JSONValue.object(input).canonicalBytes())
  }

  /// Makes the batch, records it and answers with its receipt; waits for the disk.
  ///
  /// - Throws: a `Refusal` with code `keyReused` where the key came before with something else; what making and recording throw.
  func record(
    _ make: () throws -> Submission, answering: (inout JSONWriter, Receipt) throws -> Void = { _, _ in }
  ) throws -> Response {
    let key = call.headers.commandID
    if let key, let first = try call.tenant.receipt(of: key, asked: asked) { return try answer(first, answering) }
    let receipt = try call.tenant.submitAndWait(attempts: FindingApplication.mostAttempts) {
      var submission = try make()
      submission.commandID = key
      submission.asked = key.map { _ in asked }
      submission.correlationID = call.headers.correlationID
      return submission
    }
    return try answer(receipt, answering)
  }

  private func answer(_ receipt: Receipt, _ more: (inout JSONWriter, Receipt) throws -> Void) throws -> Response {
    var writer = JSONWriter()
    writer.beginObject()
    try more(&writer, receipt)
    receipt.writeMembers(to: &writer)
    writer.endObject()
    return .json(writer.take(), position: receipt.position)
  }
}
