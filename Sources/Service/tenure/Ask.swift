import API
import AccessGraph
import Conditions
import EventLog
import Foundation
import Governance
import JSON
import Temporal

/// The instants that a question is about: a moment, or a stretch.
enum When {
  case moment(Instant?)
  case stretch(Interval)
}

extension Arguments {
  /// `--at T`, or `--from T --to T`, or nothing.
  mutating func when() throws -> When {
    let at = try instant("at")
    let from = try instant("from")
    let to = try instant("to", endOfDay: true)
    if at != nil, from != nil || to != nil { throw UsageError("--at is a moment, --from and --to a stretch; give one of them") }
    if from == nil, to == nil { return .moment(at) }
    return .stretch(try Self.stretch(from, to))
  }

  /// `--from T --to T`, each of them open where it is left out.
  mutating func stretch() throws -> Interval {
    try Self.stretch(try instant("from"), try instant("to", endOfDay: true))
  }

  private static func stretch(_ from: Instant?, _ to: Instant?) throws -> Interval {
    guard let interval = Interval(exactly: from ?? .earliest, to: to) else {
      throw UsageError("--from must be earlier than --to")
    }
    return interval
  }
}

/// Asks one question of a tenant and prints its report.
func ask<R: Report>(
  _ arguments: inout Arguments, _ question: (Questions) throws -> R, text: @escaping (R) -> String,
  status: @escaping (R) -> ExitStatus
) throws -> ExitStatus {
  let format = try arguments.format()
  let name = arguments.tenantName()
  let place = try Session.place(&arguments)
  try arguments.finish()
  let session = try Session.open(place)
  defer { session.close() }
  let report = try question(Questions(tenant: try session.tenant(name)))
  try Output.standard.write(report, format, text: text)
  return status(report)
}

/// Asks about one thing at the moment that is named and prints its report; an error where it was not there then.
func ask<R: Report>(
  _ arguments: inout Arguments, aboutThe kind: String, _ id: String,
  _ question: (Questions, (at: Instant?, known: AsKnownAt)) throws -> R?, text: @escaping (R) -> String,
  status: @escaping (R) -> ExitStatus = { _ in .yes }
) throws -> ExitStatus {
  let moment = (at: try arguments.instant("at"), known: try arguments.asKnownAt())
  return try ask(
    &arguments,
    { questions in
      guard let report = try question(questions, moment) else { throw CommandError("there was no \(kind) \(id) then") }
      return report
    }, text: text, status: status)
}

/// Records one command and prints what it is about as it then stands; `.no` where a rule refuses it, which is printed instead.
func record<R: Report>(
  _ arguments: inout Arguments, as recorder: String, _ command: (Tenant) throws -> Command,
  report: (Questions, Command) throws -> R?, text: (R) -> String, status: (R) -> ExitStatus = { _ in .yes }
) throws -> ExitStatus {
  let format = try arguments.format()
  let name = arguments.tenantName()
  return try withSession(&arguments) { session, arguments in
    try arguments.finish()
    let tenant = try session.tenant(name)
    let command = try command(tenant)
    guard try tenant.accepts(command, from: recorder, format: format) else { return .no }
    guard let report = try report(Questions(tenant: tenant), command) else {
      throw CommandError("it was recorded and cannot be read")
    }
    try Output.standard.write(report, format, text: text)
    return status(report)
  }
}

extension Subcommand {
  static let check = Subcommand(
    name: "check", summary: "whether an identity may do it: the decision alone",
    usage: """
      check IDENTITY ACTION RESOURCE [--context JSON] [--at T] [--as-known-at POSITION|T]
            --context '{"ip": "10.1.2.3", "mfa": true}' says what is known of the request; without it, and with --at for what it
            lacks, an access that depends on the request is conditional
      """
  ) { arguments in
    let identity = try arguments.word("IDENTITY")
    let action = try arguments.word("ACTION")
    let resource = try arguments.word("RESOURCE")
    if let problem = Limits.problem(identifier: identity) { throw UsageError("IDENTITY \(problem)") }
    if let problem = Limits.problem(pattern: action) { throw UsageError("ACTION \(problem)") }
    if let problem = Limits.problem(path: resource) { throw UsageError("RESOURCE \(problem)") }
    let at = try arguments.instant("at")
    let known = try arguments.asKnownAt()
    let context = try arguments.option("context").map { try readContext($0) }
    let subject = CheckSubject(identity: identity, action: action, resource: resource, context: context)
    return try ask(&arguments) {
      try $0.check(subject, at: at, asKnownAt: known)
    } text: {
      $0.text
    } status: {
      $0.answer.status.exitStatus
    }
  }

  private static func readContext(_ text: String) throws -> JSONObject {
    let value: JSONValue
    do { value = try JSONValue(parsing: Array(text.utf8)) } catch { throw UsageError("--context must be JSON: \(error)") }
    do { return try RequestContext.read(value, at: "") } catch { throw UsageError("--context: \(error)") }
  }

  static let who = Subcommand(
    name: "who", summary: "who could do it, held the role, belonged to the group, or was privileged",
    usage: """
      who --action A --resource R | --role ROLE | --group GROUP | --privileged
                 [--at T | --from T --to T] [--as-known-at POSITION|T]
          tenure who --questions FILE      answers a file of questions, one JSON object a line: at, action, resource
      """
  ) { arguments in
    if let file = arguments.option("questions") { return try answerQuestions(in: file, &arguments) }
    let subject = try arguments.subject()
    let when = try arguments.when()
    let known = try arguments.asKnownAt()
    switch when {
    case .moment(let at):
      return try ask(&arguments) {
        try $0.who(subject, at: at, asKnownAt: known)
      } text: {
        $0.text
      } status: { report in
        exitStatus(report.holders.map(\.status), subject.isAboutResource ? report.coverage : nil)
      }
    case .stretch(let stretch):
      return try ask(&arguments) {
        try $0.who(subject, during: stretch, asKnownAt: known)
      } text: {
        $0.text
      } status: { report in
        let statuses = report.holders.map { holder -> Status in
          holder.allowed.isEmpty ? holder.conditional.isEmpty ? .unknown : .conditional : .allowed
        }
        return exitStatus(statuses, subject.isAboutResource ? report.coverage : nil)
      }
    }
  }

  static let what = Subcommand(
    name: "what", summary: "what an identity could do",
    usage: "what --identity ID [--at T | --from T --to T] [--as-known-at POSITION|T]"
  ) { arguments in
    let identity = try arguments.identity()
    let known = try arguments.asKnownAt()
    switch try arguments.when() {
    case .moment(let at):
      return try ask(&arguments) {
        try $0.what(identity, at: at, asKnownAt: known)
      } text: {
        $0.text
      } status: { report in
        report.isKnown ? exitStatus(report.rights.map(\.remainder.status).filter { $0 != .denied }, nil) : .uncertain
      }
    case .stretch(let stretch):
      return try ask(&arguments) {
        try $0.what(identity, during: stretch, asKnownAt: known)
      } text: {
        $0.text
      } status: { report in
        report.isKnown ? exitStatus(report.rights.map(\.status).filter { $0 != .denied }, nil) : .uncertain
      }
    }
  }

  static let why = Subcommand(
    name: "why", summary: "whether an identity could do it, and every path by which",
    usage: "why --identity ID --action A --resource R [--at T] [--as-known-at POSITION|T] [--paths 100]"
  ) { arguments in
    let identity = try arguments.identity()
    guard let action = try arguments.action() else { throw UsageError("--action is missing") }
    let resource = try arguments.resource()
    let at = try arguments.instant("at")
    let known = try arguments.asKnownAt()
    let paths = try arguments.integer("paths", in: 1...10_000) ?? Questions.usualPaths
    return try ask(&arguments) {
      try $0.why(identity, action: action, resource: resource, at: at, asKnownAt: known, limit: paths)
    } text: {
      $0.text
    } status: {
      $0.answer.status.exitStatus
    }
  }

  static let timeline = Subcommand(
    name: "timeline", summary: "each gain and loss of an identity, with the event that caused it",
    usage: "timeline --identity ID [--resource R] [--from T] [--to T] [--as-known-at POSITION|T]"
  ) { arguments in
    let identity = try arguments.identity()
    let resource = try arguments.optionalResource()
    let stretch = try arguments.stretch()
    let known = try arguments.asKnownAt()
    return try ask(&arguments) {
      try $0.timeline(identity, resource: resource, during: stretch, asKnownAt: known)
    } text: {
      $0.text
    } status: {
      guard $0.isKnown else { return .uncertain }
      guard $0.turns.isEmpty else { return .yes }
      return $0.coverage.isComplete || resource == nil ? .no : .uncertain
    }
  }

  static let diff = Subcommand(
    name: "diff", summary: "entitlements gained and lost between two moments, or between two states of knowledge",
    usage: """
      diff [--resource R] [--identity ID] --from T --to T [--as-known-at POSITION|T]
          tenure diff [--resource R] [--identity ID] --at T --known-from POSITION|T --known-to POSITION|T
      """
  ) { arguments in
    let resource = try arguments.optionalResource()
    let identity = try arguments.id("identity")
    let at = try arguments.instant("at")
    let from = try arguments.instant("from")
    // Two moments are compared, not a stretch: a bare date is its midnight on both sides.
    let to = try arguments.instant("to")
    let first: Knowledge
    let second: Knowledge
    if let from, let to, at == nil {
      let known = try arguments.asKnownAt()
      first = Knowledge(at: from, asKnownAt: known)
      second = Knowledge(at: to, asKnownAt: known)
    } else if let at, from == nil, to == nil {
      let earlier = try arguments.asKnownAt("known-from")
      let later = try arguments.asKnownAt("known-to")
      if earlier == .head, later == .head { throw UsageError("--at needs --known-from or --known-to: two states of knowledge") }
      first = Knowledge(at: at, asKnownAt: earlier)
      second = Knowledge(at: at, asKnownAt: later)
    } else {
      throw UsageError("give --from and --to, or --at with --known-from and --known-to")
    }
    return try ask(&arguments) {
      try $0.diff(resource: resource, identity: identity, from: first, to: second)
    } text: {
      $0.text
    } status: {
      guard $0.difference.isEmpty else { return .yes }
      return $0.coverage.isComplete || resource == nil ? .no : .uncertain
    }
  }

  static let snapshot = Subcommand(
    name: "snapshot", summary: "all entitlements at a moment, streamed",
    usage: "snapshot [--resource R] [--at T] [--as-known-at POSITION|T]"
  ) { arguments in
    let format = try arguments.format()
    let name = arguments.tenantName()
    let resource = try arguments.optionalResource()
    let at = try arguments.instant("at")
    let known = try arguments.asKnownAt()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      var snapshot = try Questions(tenant: try session.tenant(name)).snapshot(resource: resource, at: at, asKnownAt: known)
      switch format {
      case .json:
        while let slice = try snapshot.nextSlice() { try Output.standard.writeBytes(slice) }
      case .text:
        try Output.standard.writeBytes(Array("at \(snapshot.view.at), position \(snapshot.view.asKnownAt)\n".utf8))
        while let entitlements = try snapshot.next() {
          let lines = entitlements.map { "\($0.identity)\t\($0.right.text($0.remainder))\n" }.joined()
          try Output.standard.writeBytes(Array(lines.utf8))
        }
      }
      return .yes
    }
  }

  private static func exitStatus(_ statuses: [Status], _ coverage: Coverage?) -> ExitStatus {
    if let coverage, !coverage.isComplete { return .uncertain }
    if statuses.contains(.allowed) { return .yes }
    return statuses.isEmpty ? .no : .uncertain
  }
}

extension Arguments {
  mutating func resource() throws(UsageError) -> String {
    guard let resource = try optionalResource() else { throw UsageError("--resource is missing") }
    return resource
  }

  mutating func optionalResource() throws(UsageError) -> String? {
    guard let resource = option("resource") else { return nil }
    if let problem = Limits.problem(path: resource) { throw UsageError("--resource \(problem)") }
    return resource
  }

  mutating func identity() throws(UsageError) -> String {
    guard let identity = try id("identity") else { throw UsageError("--identity is missing") }
    return identity
  }

  mutating func id(_ name: String) throws(UsageError) -> String? {
    guard let id = option(name) else { return nil }
    if let problem = Limits.problem(identifier: id) { throw UsageError("--\(name) \(problem)") }
    return id
  }

  mutating func action() throws(UsageError) -> String? {
    guard let action = option("action") else { return nil }
    // An action is as long as a pattern that is to match it.
    if let problem = Limits.problem(pattern: action) { throw UsageError("--action \(problem)") }
    return action
  }

  mutating func subject() throws(UsageError) -> WhoSubject {
    let role = try id("role")
    let group = try id("group")
    let isPrivileged = flag("privileged")
    let action = try action()
    let resource = try optionalResource()
    switch (action, resource, role, group, isPrivileged) {
    case (let action?, let resource?, nil, nil, false): return .access(action: action, resource: resource)
    case (nil, nil, let role?, nil, false): return .role(role)
    case (nil, nil, nil, let group?, false): return .group(group)
    case (nil, nil, nil, nil, true): return .privileged
    default: throw UsageError("give --action and --resource, or one of --role, --group, --privileged")
    }
  }
}

extension Status {
  /// How a command ends whose answer is one decision.
  var exitStatus: ExitStatus {
    switch self {
    case .allowed: .yes
    case .denied: .no
    case .conditional, .unknown: .uncertain
    }
  }
}

extension WhoSubject {
  /// Whether the question names a resource, so that its coverage matters; roles and groups are what the log says they are.
  var isAboutResource: Bool {
    if case .access = self { return true }
    return false
  }
}
