import Foundation
import JSON
import TestSupport
import Testing

/// `tenure webhook`, run as a process on a database of the test's own.
@Suite struct WebhookCommandTests {
  let place: JobPlace
  let program: TenureProgram

  init() throws {
    place = try JobPlace()
    program = try TenureProgram()
  }

  private func run(_ words: String...) throws -> TenureProgram.Answer {
    try program.run(words + ["--database", place.conninfo])
  }

  @Test func `a webhook is made, told, looked at, asked again and ended`() throws {
    #expect(try run("webhook", "list").output == "no webhooks\n")
    let made = try run("webhook", "add", "--url", "http://127.0.0.1:1/hook", "--types", "assignment.*,finding.raised")
    #expect(made.status == 0, "\(made.complaint)")
    let secret = try #require(made.output.firstMatch(of: /secret  (whsec_[A-Za-z0-9+\/=]{44})\n/)).1
    let id = String(try #require(made.output.firstMatch(of: /webhook ([0-9a-f-]{36}) is told of assignment/)).1)
    var answers = [try run("webhook", "list"), try run("webhook", "list", "--format", "json")]
    #expect(answers[0].output.contains("assignment.*,finding.raised  0        0     2             well"))
    try place.grant(3)
    answers.append(try run("job", "run", "deliver-webhooks"))
    #expect(answers[2].output == "default: deliver-webhooks run 1 succeeded: dead 0, delivered 0, failed 1, made 3\n")
    answers.append(try run("webhook", "deliveries", id, "--format", "json"))
    let deliveries = try answers[3].output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(deliveries.map { $0["attempts"]?.integerValue } == [0, 0, 1])
    #expect(deliveries.allSatisfy { $0["state"] == "pending" && $0["webhook"]?.stringValue == id })
    answers.append(try run("webhook", "deliveries", "--state", "dead"))
    #expect(answers[4].status == 1)
    #expect(answers[4].output == "no deliveries\n")
    answers.append(try run("webhook", "list"))
    #expect(answers[5].output.contains("1 troubles in a row, resting until 2"))
    answers.append(try run("webhook", "retry", id, "3"))
    #expect(answers[6].output == "1 delivery is sent again by the next run of deliver-webhooks\n")
    answers.append(try run("webhook", "retry", id))
    #expect(answers[7].status == 1)
    answers.append(try run("webhook", "end", id))
    #expect(answers[8].output == "webhook \(id) has ended\n")
    answers.append(try run("webhook", "end", id))
    #expect(answers[9].status == 1)
    #expect(answers[9].output == "refused: the webhook \(id) has ended; make another one\n")
    let refused = try run("webhook", "retry", id, "3", "--format", "json")
    #expect(refused.status == 1)
    #expect(refused.output == #"{"refused":{"message":"the webhook \#(id) has ended; make another one"}}"# + "\n")
    answers.append(try run("webhook", "retry", "nobody"))
    #expect(answers[10].complaint.contains("there is no webhook nobody"))
    answers.append(try run("webhook", "deliveries", "--limit", "2"))
    #expect(answers[11].output.contains("the webhook was ended"))
    for answer in answers {
      #expect(!(answer.output + answer.complaint).contains("whsec_"))
      #expect(!(answer.output + answer.complaint).contains(secret.dropFirst(6)))
    }
  }
}
