import EventLog
import Foundation
import Governance
import JSON
import Temporal

extension Subcommand {
  static let log = Subcommand(
    name: "log", summary: "lists events by actor, recorder, ticket, type, entity and time, or exports them",
    usage: """
      log [--actor A] [--recorder R] [--ticket KEY] [--type TYPE] [--entity kind:id] [--source S]
                 [--from T --to T] [--recorded-from T --recorded-to T] [--after POSITION] [--limit 100]
          tenure log --export FILE      writes every event's canonical body, one a line; - is standard output
      """
  ) { arguments in
    let format = try arguments.format()
    let name = arguments.tenantName()
    if let export = arguments.option("export") {
      // All of the log or nothing: a filter here is refused by `finish`, never passed over.
      return try withSession(&arguments) { session, arguments in
        try arguments.finish()
        try exportLog(of: try session.tenant(name), to: export)
        return .yes
      }
    }
    let filter = try arguments.logFilter()
    let after = try arguments.integer("after", in: 0...Int.max) ?? 0
    let limit = try arguments.integer("limit", in: 1...Tenant.maximumLogPage) ?? 100
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let page = try tenant.log(filter, after: Int64(after), limit: limit)
      for recorded in page.events {
        try Output.standard.writeBytes(
          Array((format == .json ? recorded.body : line(recorded.event)).utf8) + [UInt8(ascii: "\n")])
      }
      if let next = page.next {
        try Output.standard.writeText(format == .text ? "more: tenure log … --after \(next)\n" : "{\"next\":\(next)}\n")
      }
      return page.events.isEmpty ? .no : .yes
    }
  }

  private static func line(_ event: Event) -> String {
    let by = event.authority.actor?.id ?? "actor not recorded"
    let lateness =
      event.recordedAt > event.effectiveAt && event.recordedAt != event.effectiveAt
      ? ", learnt \(Lapse(from: event.effectiveAt, to: event.recordedAt)) later" : ""
    let reason = event.authority.reason.map { " — \($0)" } ?? ""
    return "\(event.position)  \(event.effectiveAt)  \(event.change.type)  \(event.change.entity)  by \(by)\(lateness)\(reason)"
  }

  /// The exported line is the body, byte for byte, so that anyone can recompute the leaves.
  private static func exportLog(of tenant: Tenant, to path: String) throws {
    let file = path == "-" ? FileHandle.standardOutput : try emptyFile(at: path)
    let written = path == "-" ? "the standard output" : path
    let progress = Progress("exporting")
    let total = tenant.head.position
    var buffer = Data()
    try tenant.export(through: total) { line in
      buffer.append(contentsOf: line.body.utf8)
      buffer.append(UInt8(ascii: "\n"))
      if buffer.count > 1 << 20 || line.position == total {
        try file.writeAll(buffer, to: written)
        buffer.removeAll(keepingCapacity: true)
        progress.advance(line.position, of: total)
      }
    }
    if !buffer.isEmpty { try file.writeAll(buffer, to: written) }
  }

  /// Opens what is there, a device or the target of a link too, and makes a file only where there is nothing.
  ///
  /// `createFile` alone would put a plain file in the place of a device or link.
  private static func emptyFile(at path: String) throws -> FileHandle {
    let files = FileManager.default
    guard files.fileExists(atPath: path) || files.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw CommandError("cannot write to \(path)") }
    // A device or pipe has no length to cut.
    let kind = try? files.attributesOfItem(atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.type]
    if kind as? FileAttributeType == .typeRegular { try file.truncate(atOffset: 0) }
    return file
  }

  static let verify = Subcommand(
    name: "verify", summary: "checks every event: its leaf, its place, and its columns against its body",
    usage: "verify"
  ) { arguments in
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let progress = Progress("verifying")
      let total = tenant.head.position
      let verification = try tenant.verify { progress.advance($0, of: total) }
      switch format {
      case .json:
        let problems = verification.problems.map { problem -> JSONValue in
          ["position": .integer(problem.position), "problem": .string(problem.problem)]
        }
        let answer: JSONValue = [
          "events": .integer(verification.events), "is_clean": .bool(verification.isClean), "problems": .array(problems),
        ]
        try Output.standard.writeBytes(answer.canonicalBytes() + [UInt8(ascii: "\n")])
      case .text:
        for problem in verification.problems {
          try Output.standard.writeText("event \(problem.position): \(problem.problem)\n")
        }
        try Output.standard.writeText("\(verification.events) events, \(verification.problems.count) problems\n")
      }
      return verification.isClean ? .yes : .no
    }
  }

  static let find = Subcommand(
    name: "find", summary: "finds identities by id or by an attribute's exact value, as of a moment",
    usage: "find TEXT [--attribute NAME] [--at T] [--as-known-at POSITION|T] [--limit 100]"
  ) { arguments in
    let format = try arguments.format()
    let name = arguments.tenantName()
    let question = FindQuestion(try arguments.word("what to find"), attribute: arguments.option("attribute"))
    let at = try arguments.instant("at")
    let known = try arguments.asKnownAt()
    let limit = try arguments.integer("limit", in: 1...1000) ?? 100
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let moment = at ?? tenant.now
      let position = try tenant.position(known)
      let found = try tenant.find(question, at: moment, asKnownAt: position, limit: limit)
      switch format {
      case .json:
        let identities = found.map { one -> JSONValue in
          ["identity": .string(one.identity), "kind": .string(one.kind.rawValue), "matched": .string(one.matched)]
        }
        let answer: JSONValue = [
          "at": .string(moment.description), "position": .integer(position), "identities": .array(identities),
        ]
        try Output.standard.writeBytes(answer.canonicalBytes() + [UInt8(ascii: "\n")])
      case .text:
        var table = TextTable()
        for one in found { table.add(one.identity, one.kind.rawValue, "by \(one.matched)") }
        try Output.standard.writeText(table.isEmpty ? "nobody at \(moment)\n" : table.text)
      }
      return found.isEmpty ? .no : .yes
    }
  }
}

extension Arguments {
  mutating func logFilter() throws(UsageError) -> LogFilter {
    var filter = LogFilter()
    filter.actor = option("actor")
    filter.recorder = option("recorder")
    filter.ticket = option("ticket")
    filter.type = option("type")
    filter.source = option("source")
    if let text = option("entity") {
      guard let entity = Entity(text: text) else { throw UsageError("--entity must have the form kind:id") }
      filter.entity = entity
    }
    filter.effectiveFrom = try instant("from")
    filter.effectiveTo = try instant("to", endOfDay: true)
    filter.recordedFrom = try instant("recorded-from")
    filter.recordedTo = try instant("recorded-to", endOfDay: true)
    return filter
  }

  /// A position, or an instant of recorded time; the head where nothing is said.
  mutating func asKnownAt(_ name: String = "as-known-at") throws(UsageError) -> AsKnownAt {
    guard let text = option(name) else { return .head }
    if let position = Int64(text), position >= 0 { return .position(position) }
    do { return .instant(try Instant(dateOrRFC3339: text, endOfDay: false)) } catch {
      throw UsageError("--\(name) must be a position, a date or an RFC 3339 instant")
    }
  }
}
