public import AccessGraph
import Conditions
public import EventLog
public import JSON
public import Temporal

/// What one check asks about: an identity, what it does, and to exactly which resource.
public struct CheckSubject: Hashable, Sendable {
  /// Who.
  public var identity: String
  /// Does what.
  public var action: String
  /// To what.
  public var resource: String
  /// What is known of the request, by the keys of conditions without `request.`; nil where nothing is.
  public var context: JSONObject?

  /// A check.
  public init(identity: String, action: String, resource: String, context: JSONObject? = nil) {
    self.identity = identity
    self.action = action
    self.resource = resource
    self.context = context
  }

  /// What conditions see of the request: about the present it is complete, as where access is enforced; about a moment that is
  /// named, what it lacks stays open.
  func request(isPresent: Bool) -> RequestFacts {
    guard let context else { return .unknown }
    return isPresent ? .complete(context) : .partial(context)
  }
}

/// The answer to one check.
public struct CheckReport: Report {
  /// What was asked.
  public var subject: CheckSubject
  /// The decision.
  public var answer: CheckAnswer
  /// By which policies it could get the access, as in survey questions; nil where it is allowed.
  public var eligible: [EligibleWay]?
  /// The moment, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("question", "check")
    writer.write(subject)
    writer.write(view, position)
    writer.write(answer)
    if let eligible { writer.member("eligible", eligible) }
    writer.endObject()
  }
}

/// The answers to a batch of checks, all of one world.
public struct CheckBatchReport: Report {
  /// What was asked.
  public var subjects: [CheckSubject]
  /// The decisions, in the same order.
  public var answers: [CheckAnswer]
  /// Beside each, by which policies the access could be got.
  public var eligible: [[EligibleWay]?]
  /// The moment, resolved.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("question", "check")
    writer.write(view, position)
    writer.key("checks")
    writer.beginArray()
    for (subject, (answer, eligible)) in zip(subjects, zip(answers, eligible)) {
      writer.beginObject()
      writer.write(subject)
      writer.write(answer)
      if let eligible { writer.member("eligible", eligible) }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension Questions {
  /// Whether an identity may do it: the decision alone.
  public func check(_ subject: CheckSubject, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> CheckReport {
    try ask(at, asKnownAt) { graph, view in
      let answer = graph.check(subject, from: view, isPresent: at == nil)
      return CheckReport(
        subject: subject, answer: answer, eligible: graph.eligible(subject, answer, from: view), view: view,
        position: graph.position)
    }
  }

  /// The same of many, all at one moment as known at one position.
  public func check(
    _ subjects: [CheckSubject], at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> CheckBatchReport {
    try ask(at, asKnownAt) { graph, view in
      let answers = subjects.map { graph.check($0, from: view, isPresent: at == nil) }
      return CheckBatchReport(
        subjects: subjects, answers: answers,
        eligible: zip(subjects, answers).map { graph.eligible($0, $1, from: view) }, view: view, position: graph.position)
    }
  }
}

extension AccessGraph {
  fileprivate func check(_ subject: CheckSubject, from view: Viewpoint, isPresent: Bool) -> CheckAnswer {
    check(
      subject.identity, action: subject.action, resource: subject.resource, from: view,
      request: subject.request(isPresent: isPresent))
  }

  fileprivate func eligible(_ subject: CheckSubject, _ answer: CheckAnswer, from view: Viewpoint) -> [EligibleWay]? {
    eligible(subject.identity, action: subject.action, resource: subject.resource, from: view, unless: answer.status)
  }
}

extension JSONWriter {
  fileprivate mutating func write(_ subject: CheckSubject) {
    member("identity", subject.identity)
    member("action", subject.action)
    member("resource", subject.resource)
  }

  fileprivate mutating func write(_ answer: CheckAnswer) {
    member("status", answer.status.rawValue)
    member("reason", answer.reason)
    member("without_entitlement", answer.isWithoutEntitlement)
    write(decidedBy: answer.decidedBy)
    guard answer.status == .conditional else { return }
    // What the request would have to say is not known: these are the bounds of the decision.
    member("at_least", Status.denied.rawValue)
    member("at_most", Status.allowed.rawValue)
  }

  mutating func write(decidedBy decider: Decider?) {
    key("decided_by")
    if let decider { write(decider) } else { null() }
  }

  mutating func write(_ denial: Denial) { write(.denial(denial)) }

  private mutating func write(_ decider: Decider) {
    beginObject()
    member("kind", decider.kind)
    member("id", decider.id)
    endObject()
  }
}

extension Decider {
  /// `assignment`, `deny`, `boundary` or `deny_permission`, which an assignment gives.
  var kind: String {
    switch self {
    case .grant: "assignment"
    case .denial(.policy): "deny"
    case .denial(.boundary): "boundary"
    case .denial(.assignment): "deny_permission"
    }
  }

  /// The id of the assignment or policy.
  var id: String {
    switch self {
    case .grant(let id), .denial(.policy(let id)), .denial(.boundary(let id)), .denial(.assignment(let id)): id
    }
  }

  /// In words.
  public var text: String {
    switch self {
    case .grant(let id): "assignment \(id)"
    case .denial(.policy(let id)): "deny policy \(id)"
    case .denial(.boundary(let id)): "boundary policy \(id)"
    case .denial(.assignment(let id)): "a deny permission of assignment \(id)"
    }
  }
}
