import Cryptography
import EventLog
import HTTP
import JSON

/// A batch that a call does not bring but has made: from what is so when it is asked for.
///
/// Asked for again with the same idempotency key and the same body, it gives the first answer and makes nothing: made anew, it would be
/// another batch, for the first has been done. So it is recorded under the caller's key with the digest of what was asked.
struct PlannedBatch {
  private let call: Call
  private let key: String?

  init(_ call: Call, _ input: JSONObject) {
    self.call = call
    let asked = Array(call.request.rawPath.utf8) + [0] + JSONValue.object(input).canonicalBytes()
    // The space is in no caller's own key.
    key = call.headers.commandID.map { "\($0) for \(SHA256.digest(asked).hexadecimal.prefix(Self.digestDigits))" }
  }

  /// 128 bits, as a random UUID has.
  private static let digestDigits = 32

  /// Makes the batch, records it and answers with its receipt; waits for the disk.
  func record(
    _ make: () throws -> Submission, answering: (inout JSONWriter, Receipt) throws -> Void = { _, _ in }
  ) throws -> Response {
    if let key, let first = try call.tenant.receipt(of: key) { return try answer(first, answering) }
    var submission = try make()
    submission.commandID = key
    submission.correlationID = call.headers.correlationID
    return try answer(try call.tenant.submitAndWait(submission), answering)
  }

  private func answer(_ receipt: Receipt, _ more: (inout JSONWriter, Receipt) throws -> Void) throws -> Response {
    var receipt = receipt
    receipt.commandID = call.headers.commandID ?? receipt.commandID
    var writer = JSONWriter()
    writer.beginObject()
    try more(&writer, receipt)
    receipt.writeMembers(to: &writer)
    writer.endObject()
    return .json(writer.take(), position: receipt.position)
  }
}
