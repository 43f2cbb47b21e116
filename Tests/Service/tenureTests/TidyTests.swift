import Foundation
import Testing

/// Rules of the house that a machine can check; the layers are checked by the build itself.
@Suite struct TidyTests {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func `the top level has nothing else`() throws {
    let allowed: Set = ["Package.swift", "Package.resolved", "Sources", "Tests", "sql", "ops", "runbooks", "README.md"]
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
    #expect(names.contains("Package.swift"))
    let others = names.filter { !$0.hasPrefix(".") && !allowed.contains($0) }
    #expect(others.isEmpty)
  }

  @Test func `there are no package dependencies`() throws {
    #expect(!(try Self.text("Package.swift")).contains(".package("))
  }

  @Test(arguments: LineRule.all)
  func `a rule of lines is kept`(rule: LineRule) throws {
    let files = try Self.files(below: rule.folders).filter { !rule.exempts($0) }
    #expect(!files.isEmpty)
    var breaches: [String] = []
    for file in files {
      let lines = try Self.text(file).split(separator: "\n", omittingEmptySubsequences: false)
      breaches += lines.enumerated().filter { rule.isBroken(by: String($0.element)) }.map { "\(file):\($0.offset + 1)" }
    }
    #expect(breaches.isEmpty, "\(rule)")
  }

  @Test(arguments: LineRule.all)
  func `a rule of lines sees its breach`(rule: LineRule) {
    #expect(rule.isBroken(by: rule.breach))
    #expect(!rule.isBroken(by: rule.innocent))
  }

  @Test func `no file is named after nothing`() throws {
    let files = try Self.files(below: ["Sources", "Tests", "sql", "ops", "runbooks"])
    let empty = files.filter { file in LineRule.emptyNames.contains { file.split(separator: "/").last?.contains($0) == true } }
    #expect(empty.isEmpty)
  }

  @Test func `migrations are numbered without gaps`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "sql/migrations").path).sorted()
    let numbers = names.map { Int($0.dropFirst().prefix(4)) }
    #expect(numbers == Array(1...names.count))
    #expect(names.allSatisfy { $0.wholeMatch(of: /m\d{4}_[a-z_]+\.sql/) != nil })
  }

  @Test func `every runbook is in the index, and the index names no other`() throws {
    let folder = Self.root.appending(path: "runbooks").path
    let pages = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") && $0 != "README.md" }
    let links = try Self.text("runbooks/README.md").matches(of: /\]\(([A-Za-z0-9-]+\.md)\)/).map { String($0.output.1) }
    #expect(!pages.isEmpty)
    #expect(links.sorted() == pages.sorted())
  }

  /// The files below folders, as paths from the root, those that are hidden left out.
  private static func files(below folders: [String]) throws -> [String] {
    try folders.flatMap { folder in
      try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).map { "\(folder)/\($0)" }
    }.filter { path in
      let isFile = try root.appending(path: path).resourceValues(forKeys: [.isRegularFileKey]).isRegularFile ?? false
      return isFile && !path.contains("/.")
    }.sorted()
  }

  private static func text(_ path: String) throws -> String {
    // Golden data may be anything; what is not UTF-8 keeps its ASCII.
    String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
  }
}

/// A rule that each line of some files must keep.
struct LineRule: Sendable, CustomTestStringConvertible {
  /// What it forbids, and where it does not.
  let testDescription: String
  /// Where it holds.
  let folders: [String]
  /// Below which folder it does not; nil for none.
  let exception: String?
  /// The regular expression that no line may match.
  let pattern: String
  /// A line that breaks it.
  let breach: String
  /// A line that looks as if, and does not.
  let innocent: String

  /// Words that say nothing of what a file or type is for.
  static let emptyNames = ["Utils", "Utilities", "Helper", "Manager", "Common"]

  // The forbidden words are put together here, for this file keeps the rules too.
  private static let unsafeWord = "un" + "safe"
  private static let laterWords = ["TO" + "DO", "FIX" + "ME"]

  static let all = [
    LineRule(
      testDescription: "no \(unsafeWord) code outside Platform", folders: ["Sources", "Tests", "sql"],
      exception: "Sources/Platform/", pattern: #"^(?!\s*//).*\b\#(unsafeWord)\b(?!:)"#,
      breach: "    let n = \(unsafeWord) strlen(text)", innocent: "    connection.query(\"\\(\(unsafeWord): text)\")"),
    LineRule(
      testDescription: "no import of a C library outside Platform", folders: ["Sources", "Tests", "sql"],
      exception: "Sources/Platform/", pattern: #"^\s*([@\w()]+ )*import C[A-Z]"#,
      breach: "  internal import CPost" + "gres", innocent: "import Cryptography"),
    LineRule(
      testDescription: "nothing is left for later", folders: ["Sources", "Tests", "sql", "ops", "runbooks"], exception: nil,
      pattern: #"\b(\#(laterWords.joined(separator: "|")))\b"#, breach: "  // \(laterWords[0]): check this",
      innocent: "  // everything is done"),
    LineRule(
      testDescription: "no test sleeps", folders: ["Tests"], exception: nil,
      pattern: #"(^|[^_\w])(u|nano|Task\.|Thread\.)?sleep\("#, breach: "    try await Task.sl" + "eep(for: .seconds(1))",
      innocent: "    select pg_sleep(10)"),
    LineRule(
      testDescription: "no type is named after nothing", folders: ["Sources", "Tests", "sql"], exception: nil,
      pattern: #"^\s*([@\w()]+ )*(struct|class|enum|protocol|actor|typealias) \w*(\#(emptyNames.joined(separator: "|")))"#,
      breach: "public struct Access" + "Manager {", innocent: "    let files = FileManager.default"),
  ]

  func exempts(_ path: String) -> Bool {
    !(path.hasSuffix(".swift") || path.hasSuffix(".sql") || path.hasSuffix(".md") || path.hasPrefix("ops/"))
      || exception.map(path.hasPrefix) ?? false
  }

  func isBroken(by line: String) -> Bool { line.range(of: pattern, options: .regularExpression) != nil }
}
