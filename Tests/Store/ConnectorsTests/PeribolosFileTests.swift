import Governance
import Testing
import YAML

@testable import Connectors

@Suite struct `A Peribolos file` {
  @Test(
    arguments: [
      ("orgs: [a]", 1, "mapping"), ("orgs:\n  a: text", 2, "mapping"), ("orgs:\n  a:\n    members: ann", 3, "list"),
      ("orgs:\n  a:\n    members:\n    - ann\n    -", 5, "not empty"), ("orgs:\n  a:\n    members: ['']", 3, "not empty"),
      ("orgs:\n  a:\n    members: [[x]]", 3, "text"), ("orgs:\n  a:\n    members: [null]", 3, "not empty"),
      ("orgs:\n  a:\n    default_repository_permission: pull", 3, "must be one of"),
      ("orgs:\n  a:\n    teams: {t: {repos: {r: Admin}}}", 3, "must be one of"),
      ("orgs:\n  a:\n    teams: {t: {repos: {r: }}}", 3, "must be one of"),
      ("orgs:\n  a:\n    teams: {t: {repos: {x/y: read}}}", 3, "slash"),
      ("orgs:\n  a:\n    teams: {t: {repos: {'*': read}}}", 3, "wildcards"), ("orgs: {a/b: {}}", 1, "slash"),
      ("orgs: {'': {}}", 1, "empty"), ("orgs:\n  a: {}\n  a: {}", 3, "already"),
      ("orgs:\n  a: {members: [\"a\\tb\"]}", 2, "control"),
    ])
  func `of a wrong type is refused with its line`(text: String, line: Int, words: String) throws {
    let error = #expect(throws: YAMLError.self) { try PeribolosFile(parsing: Array(text.utf8)) }
    #expect(error?.line == line)
    #expect(error?.message.contains(words) == true, "\(String(describing: error))")
  }

  @Test func `without orgs is none of ours, and one that says nothing is empty`() throws {
    #expect(try PeribolosFile(parsing: Array("teams: {}".utf8)) == nil)
    #expect(try PeribolosFile(parsing: []) == nil)
    let file = try #require(try PeribolosFile(parsing: Array("orgs:\n  a:\n  b: {members: , teams: {t: }}".utf8)))
    #expect(file.units.map(\.group.id) == ["github:a", "github:b", "github:b/t"])
  }

  @Test func `takes logins as text, in lower case, however they are written`() throws {
    let text = "orgs: {a: {members: [007, 'null', yes, 1.0, Ann, '~']}}"
    let file = try #require(try PeribolosFile(parsing: Array(text.utf8)))
    #expect(file.units.first?.people == ["007", "null", "yes", "1.0", "ann", "~"])
  }

  @Test func `tells each unknown field once and reads two teams of one name as one`() throws {
    let text = """
      orgs:
        a:
          colour: red
          teams:
            t: {members: [x], secret: 1, teams: {u: {members: [y]}}}
            v: {secret: 2, teams: {u: {maintainers: [z]}}}
      """
    let file = try #require(try PeribolosFile(parsing: Array(text.utf8)))
    #expect(file.warnings.count == 3)
    let unit = try #require(file.units.first { $0.group.id == "github:a/u" })
    #expect(unit.parents == [.group("github:a/t"), .group("github:a/v")])
    #expect(unit.people == ["y", "z"])
  }

  @Test(
    arguments: [
      ("Merge pull request #12 from a/b", "#12"), ("Fix things (#345)", "#345"), ("Fix #3", nil), ("(#)", nil),
      ("Merge pull request #x", nil), ("Fix (#9999999999999999999999)", nil), ("", nil),
    ] as [(String, String?)])
  func `finds the pull request in a subject`(subject: String, key: String?) {
    let commit = Commit(id: "c", committedAt: ScratchRepository.instant(0), author: "a", subject: subject, changes: [])
    #expect(commit.authority.ticket?.key == key)
  }

  @Test(
    arguments: [("Ann Author", "Ann Author"), ("ann@example.com", "ann"), ("", nil), ("@x.org", nil), ("a\u{7}b", "ab")]
      as [(String, String?)])
  func `records an author's name and never an address`(author: String, id: String?) {
    let commit = Commit(id: "c", committedAt: ScratchRepository.instant(0), author: author, subject: "s", changes: [])
    #expect(commit.authority.actor?.id == id)
  }
}
