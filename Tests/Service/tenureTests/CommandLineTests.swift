import Foundation
import TestSupport
import Testing

/// A command line that makes no sense, or names what cannot be used, and what comes of it before any database is asked.
struct BadLine: CustomTestStringConvertible, Sendable {
  let words: [String]
  let status: Int32
  let complaint: String

  init(_ line: String, _ status: Int32, _ complaint: String) {
    // ∅ stands for an empty word.
    words = line.split(separator: " ").map { $0 == "∅" ? "" : String($0) }
    (self.status, self.complaint) = (status, complaint)
  }

  var testDescription: String { "tenure \(words.joined(separator: " ").prefix(100))" }

  static let all: [BadLine] = [
    BadLine("bogus", 2, "there is no command bogus"),
    BadLine("-h", 2, "there is no command -h"),
    BadLine("who", 2, "--action and --resource, or one of --role"),
    BadLine("who --action a", 2, "--action and --resource"),
    BadLine("who --role r --group g", 2, "or one of --role, --group, --privileged"),
    BadLine("who --role", 2, "--role needs a value"),
    BadLine("who --role r --role s", 2, "--role is given twice"),
    BadLine("who --=r", 2, "an option needs a name"),
    BadLine("who --help=1", 2, "--help takes no value"),
    BadLine("who --role r --bogus 1", 2, "there is no option --bogus"),
    BadLine("who --role r --once", 2, "there is no option --once"),
    BadLine("who --role r extra", 2, "nothing is expected here: extra"),
    BadLine("who --role r ∅", 2, "an argument is empty"),
    BadLine("who --role r --format xml", 2, "--format must be text or json"),
    BadLine("who --role r --data ∅", 2, "--data must not be empty"),
    BadLine("who --role r --data=", 2, "--data must not be empty"),
    BadLine("who --role r --data a --database b", 2, "name two places"),
    BadLine("who --action ∅ --resource a", 2, "--action must not be empty"),
    BadLine("who --action a\nb --resource a", 2, "--action must not contain control characters"),
    BadLine("who --action a\u{FFFD} --resource a", 2, "not UTF-8"),
    BadLine("who --action a --resource a//b", 2, "--resource must not have an empty segment"),
    BadLine("who --action a --resource a*", 2, "--resource must be a path without wildcards"),
    BadLine("who --action a --resource \(String(repeating: "a", count: 2000))", 2, "--resource must be at most 1024 bytes"),
    BadLine("serve --graph-memory 12Q", 2, "--graph-memory must be a number of bytes, such as 800M or 12G"),
    BadLine("serve --graph-memory 0", 2, "--graph-memory must be a number of bytes"),
    BadLine("serve --graph-memory 9000000T", 2, "--graph-memory must be a number of bytes"),
    BadLine("check", 2, "IDENTITY is missing"),
    BadLine("fulfilment", 2, "what to do (list or confirm) is missing"),
    BadLine("fulfilment undo", 2, "there is no tenure fulfilment undo"),
    BadLine("fulfilment list --stage gone", 2, "--stage must be one of open, all, in_effect"),
    BadLine("fulfilment list --open --stage all", 2, "--open and --stage exclude each other"),
    BadLine("fulfilment list --limit 0", 2, "--limit must be an integer between 1 and"),
    BadLine("fulfilment list --since soon", 2, "--since must be a date"),
    BadLine("fulfilment list --group g", 2, "--group takes a --member: identity:ID or group:ID"),
    BadLine("fulfilment list --group g --member role:r", 2, "--group takes a --member: identity:ID or group:ID"),
    BadLine("fulfilment list --member identity:a", 2, "--member takes a --group"),
    BadLine("fulfilment list --assignment a --group g --member identity:a", 2, "--assignment and --group exclude each other"),
    BadLine("fulfilment confirm", 2, "the assignment's id is missing"),
    BadLine("fulfilment confirm a --by b", 2, "--evidence is missing"),
    BadLine("fulfilment confirm a --evidence e", 2, "--by is missing"),
    BadLine("check i a", 2, "RESOURCE is missing"),
    BadLine("check i a r//s", 2, "RESOURCE must not have an empty segment"),
    BadLine("check i a r s", 2, "nothing is expected here: s"),
    BadLine("what", 2, "--identity is missing"),
    BadLine("what --identity \(String(repeating: "a", count: 600))", 2, "--identity must be at most 512 bytes"),
    BadLine("why --identity i --action a --resource r --paths 0", 2, "--paths must be an integer between 1 and 10000"),
    BadLine("diff", 2, "give --from and --to, or --at"),
    BadLine("diff --at 2024-01-01", 2, "--at needs --known-from or --known-to"),
    BadLine("who --role r --at 2024-02-30", 2, "a day that the calendar does not have"),
    BadLine("who --role r --at 2024-01-01T00:00:00", 2, "needs an offset"),
    BadLine("who --role r --at 2024-01-01T00:00:60Z", 2, "must not have second 60"),
    BadLine("who --role r --at 2024-01-01T00:00:00.1234567Z", 2, "more than six fractional digits"),
    BadLine("who --role r --at 0000-01-01", 2, "the years 1 to 9999"),
    BadLine("who --role r --from 2024-01-02 --to 2024-01-01", 2, "--from must be earlier than --to"),
    BadLine("who --role r --from 2024-01-02 --at 2024-01-01", 2, "give one of them"),
    BadLine("who --role r --as-known-at -1", 2, "--as-known-at must be a position"),
    BadLine("who --role r --as-known-at 9223372036854775808", 2, "--as-known-at must be a position"),
    BadLine("log --limit 0", 2, "--limit must be an integer"),
    BadLine("log --entity nope:x", 2, "--entity must have the form kind:id"),
    BadLine("serve --port 70000", 2, "--port must be an integer between 0 and 65535"),
    BadLine("job", 2, "what to do (list, run or history) is missing"),
    BadLine("job stop", 2, "there is no tenure job stop; there are list, run and history"),
    BadLine("job run", 2, "the job's name is missing"),
    BadLine("job run expire-everything", 2, "there is no job expire-everything; there are close-reviews, deliver-webhooks,"),
    BadLine("job history expire-everything", 2, "there is no job expire-everything"),
    BadLine("job history --limit 0", 2, "--limit must be an integer between 1 and 1000"),
    BadLine("webhook", 2, "what to do (add, list, end, deliveries or retry) is missing"),
    BadLine("webhook rotate", 2, "there is no tenure webhook rotate"),
    BadLine("webhook add", 2, "--url is missing"),
    BadLine("webhook add --url http://example.org/tenure", 2, "--url must begin with https://"),
    BadLine("webhook add --url https://user:word@example.org/", 2, "--url must not hold a user or a password"),
    BadLine("webhook add --url https://example.org --types assignment.*,assignmemt.granted", 2, "each matching an event type"),
    BadLine("webhook add --url https://example.org --since -1", 2, "--since must be an integer"),
    BadLine("webhook deliveries --state lost", 2, "--state must be pending, delivered, dead"),
    BadLine("webhook retry x y", 2, "a position is 1, 2, 3, …: y"),
    BadLine("serve --jobs=yes", 2, "--jobs takes no value"),
    BadLine("import", 2, "what to import (peribolos, cloudtrail or usage) is missing"),
    BadLine("import terraform x", 2, "there is no import from terraform"),
    BadLine("import peribolos /nonexistent/x", 3, "there is no such file or directory"),
    BadLine("import peribolos /dev/null", 3, "not a git bundle"),
    BadLine("import peribolos /dev/zero", 3, "not a git bundle"),
    BadLine("import peribolos /usr/bin", 3, "not a git repository"),
    BadLine("import peribolos x --source a\nb", 3, "must not contain control characters"),
    BadLine("plan", 2, "the directory is missing"),
    BadLine("plan /nonexistent/x", 3, "there is no such directory"),
    BadLine("who --questions /nonexistent/x", 3, "cannot read /nonexistent/x"),
    BadLine("who --role r --database host=/nonexistent", 3, "cannot connect to PostgreSQL"),
    BadLine("who --role r --data /dev/null", 3, "cannot make the data directory"),
  ]
}

@Suite struct CommandLineTests {
  @Test(arguments: BadLine.all)
  func `a bad command line ends with its status, names what is wrong and answers nothing`(_ line: BadLine) throws {
    let answer = try TenureProgram().run(line.words)
    #expect(answer.status == line.status)
    #expect(answer.complaint.contains(line.complaint), "\(answer.complaint)")
    #expect(answer.complaint.hasPrefix("tenure: "))
    #expect(answer.output.isEmpty)
  }

  @Test func `help is an answer, and no command at all a wrong usage`() throws {
    let program = try TenureProgram()
    #expect(try program.run(["help"]).status == 0)
    #expect(try program.run(["who", "--help"]).output.contains("--questions FILE"))
    let nothing = try program.run([])
    #expect(nothing.status == 2)
    #expect(nothing.output.contains("Exit status"))
  }

  @Test func `a pipe given as a bundle is refused, not waited for`() throws {
    let folder = try ScratchFolder()
    try folder.run(["mkfifo", "pipe"])
    let answer = try TenureProgram().run(["import", "peribolos", folder.path("pipe")])
    #expect(answer.status == 3)
    #expect(answer.complaint.contains("not a git bundle"))
  }

  @Test(arguments: [
    ("{}", "/at is missing"), ("x", "expected a value"), ("[1]", "must be an object"),
    (#"{"at":"2024-01-01","action":"a","resource":"b"}"#, "/at must be an RFC 3339 instant"),
    (#"{"at":"2024-01-01T00:00:00Z","action":"","resource":"b"}"#, "/action must not be empty"),
    (#"{"at":"2024-01-01T00:00:00Z","action":"a","resource":"b","z":1}"#, "/z is not a known field"),
    (#"{"at":"2024-01-01T00:00:00Z","action":"a","resource":"b","resource":"c"}"#, "appears twice"),
  ])
  func `a bad question is refused with file and line before any is answered`(_ line: String, _ problem: String) throws {
    let folder = try ScratchFolder()
    try folder.write(#"{"at":"2024-01-01T00:00:00Z","action":"a","resource":"b"}"# + "\n" + line + "\n", to: "questions")
    let answer = try TenureProgram().run(["who", "--questions", folder.path("questions")])
    #expect(answer.status == 3)
    #expect(answer.complaint.contains("questions, line 2: "))
    #expect(answer.complaint.contains(problem), "\(answer.complaint)")
    #expect(answer.output.isEmpty)
  }
}
