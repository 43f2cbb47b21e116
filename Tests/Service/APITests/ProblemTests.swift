import EventLog
import Governance
import HTTP
import JSON
import Testing

@testable import API

/// What others throw becomes an answer that says what to do.
@Suite struct ProblemTests {
  private struct SecretError: Error {
    let password = "hunter2"
  }

  @Test func `a failure has its status, its code and when to ask again`() {
    let broken = UndecodableEvent(position: 7, problem: "is of a version that is not known")
    let rows: [(any Error, Int, String, Bool)] = [
      (SubmissionFailure.degraded(broken), 503, "degraded", true),
      (SubmissionFailure.overloaded(limit: 9), 503, "overloaded", true),
      (SubmissionFailure.overloadedBytes(limit: 9), 503, "overloaded", true),
      (SubmissionFailure.nothingRecorded("gone"), 503, "unavailable", true),
      (SubmissionFailure.outcomeUnknown(commandID: "k", "gone"), 503, "outcome_unknown", true),
      (SubmissionFailure.closed, 503, "unavailable", true),
      (SubmissionFailure.refused(Refusal(.limitExceeded, "is too long", at: "/x")), 400, "limit_exceeded", false),
      (SubmissionFailure.refused(Refusal(.keyReused, "came before")), 422, "idempotency_key_reused", false),
      (EventLogError.degraded(broken), 503, "degraded", true), (EventLogError.badTenantName, 400, "malformed", false),
      (EventLogError.futurePosition(asked: 9, head: 1), 400, "malformed", false),
      (EventLogError.closed, 503, "unavailable", true),
      (SecretError(), 503, "unavailable", true),
    ]
    for (error, status, code, isRetried) in rows {
      let response = Problem(error, isQuery: false).response
      #expect(response.status == status, "\(code)")
      #expect((response.headers["Retry-After"] != nil) == isRetried, "\(code)")
      guard case .bytes(let bytes) = response.body else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(text.contains("\"code\":\"\(code)\""))
      #expect(!text.contains("hunter2"))
    }
    #expect(Problem(SubmissionFailure.outcomeUnknown(commandID: "k", "gone")).json["command_id"] == "k")
  }

  @Test(arguments: [
    (400, "malformed"), (404, "not_found"), (405, "method_not_allowed"), (413, "body_too_large"),
    (431, "headers_too_large"), (500, "failed"), (503, "overloaded"),
  ])
  func `what the listener refuses is a problem too`(status: Int, code: String) throws {
    let response = API.problem(status, try Request(method: .get, rawPath: "/"), [.get])
    #expect(response.status == status)
    #expect(response.headers["Content-Type"] == "application/problem+json")
    guard case .bytes(let bytes) = response.body else { return }
    #expect(try JSONValue(parsing: bytes)["code"]?.stringValue == code)
  }
}
