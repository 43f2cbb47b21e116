public import AccessGraph
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

  /// A check.
  public init(identity: String, action: String, resource: String) {
    self.identity = identity
    self.action = action
    self.resource = resource
  }
}

/// The answer to one check.
public struct CheckReport: Report {
  /// What was asked.
  public var subject: CheckSubject
  /// The decision.
  public var answer: CheckAnswer
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
    writer.endObject()
  }
}

/// The answers to a batch of checks, all of one world.
public struct CheckBatchReport: Report {
  /// What was asked.
  public var subjects: [CheckSubject]
  /// The decisions, in the same order.
  public var answers: [CheckAnswer]
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
    for (subject, answer) in zip(subjects, answers) {
      writer.beginObject()
      writer.write(subject)
      writer.write(answer)
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
      CheckReport(subject: subject, answer: graph.check(subject, from: view), view: view, position: graph.position)
    }
  }

  /// The same of many, all at one moment as known at one position.
  public func check(
    _ subjects: [CheckSubject], at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> CheckBatchReport {
    try ask(at, asKnownAt) { graph, view in
      CheckBatchReport(
        subjects: subjects, answers: subjects.map { graph.check($0, from: view) }, view: view, position: graph.position)
    }
  }
}

extension AccessGraph {
  fileprivate func check(_ subject: CheckSubject, from view: Viewpoint) -> CheckAnswer {
    check(subject.identity, action: subject.action, resource: subject.resource, from: view)
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
  }
}
