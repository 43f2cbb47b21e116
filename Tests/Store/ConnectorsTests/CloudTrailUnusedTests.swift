import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import Connectors

/// What the exercise's roles were given and did not use, against what was computed elsewhere.
@Suite struct `Unused in the exercise` {
  /// What another program computed of one pattern of one policy of one role.
  private struct Line {
    let assignmentRole: String
    let identity: String
    let pattern: String
    let held: Interval
    let used: [String]
    let isUnused: Bool

    init(_ line: JSONValue) throws {
      func text(_ name: String) -> String { line[name]?.stringValue ?? "" }
      identity = `The exercise's trail`.arn("role/" + text("role"))
      assignmentRole = text("policy").hasPrefix("arn:") ? text("policy") : "\(identity)/inline/\(text("policy"))"
      pattern = text("pattern")
      held = Interval(from: try Instant(rfc3339: text("from")), to: try Instant(rfc3339: text("to")))
      used = (line["used"]?.arrayValue ?? []).compactMap(\.stringValue)
      isUnused = line["unused"] == true
    }
  }

  /// Not seen by a trail of management events, so that nothing follows from its silence: the other computation took it for unused.
  private static let notObservable: Set<String> = ["logs:PutLogEvents"]

  @Test func `unused is what was computed elsewhere, but for what no trail tells of`() throws {
    guard let folder = Exercise.found() else { return }
    let store = try ScratchDatabase.store()
    defer { store.close() }
    let tenant = try store.create(tenant: ScratchDatabase.tenantName())
    _ = try CloudTrailImport.testing([folder + "/"]).run(
      into: TenantDestination(tenant), usage: TenantUsage(tenant))
    let ids = try tenant.read { $0.ids(of: .assignment) }
    let exercises = try UsageStore(tenant).exercise(of: ids, during: .always, asKnownAt: tenant.head.position)
    var lines = try Exercise.lines("unused", in: folder).map(Line.init)
    #expect(lines.count == 11)
    var others: [String] = []
    for exercise in exercises where exercise.grant.principal.kind == .identity {
      for permission in exercise.permissions {
        let place = lines.firstIndex { line in
          line.assignmentRole.isExactly(exercise.grant.role) && line.identity.isExactly(exercise.grant.principal.id)
            && line.pattern.isExactly(permission.pattern)
        }
        guard let place else {
          others.append("\(exercise.grant.principal.id) \(permission.role) \(permission.pattern): \(permission.word.rawValue)")
          continue
        }
        let line = lines.remove(at: place)
        let name = "\(line.identity) \(line.pattern)"
        #expect(permission.held == IntervalSet(line.held), "\(name)")
        #expect(permission.used.map(\.action) == line.used, "\(name)")
        let word: ExerciseWord =
          Self.notObservable.contains(line.pattern) ? .notObservable : line.isUnused ? .unused : .used
        #expect(permission.word == word, "\(name)")
      }
    }
    #expect(lines.isEmpty, "not found: \(lines.map { "\($0.assignmentRole) \($0.pattern)" })")
    // The other computation looked at policies of roles. What is more here is what shares access outside of them.
    for other in others { #expect(Self.kinds.contains { other.contains($0) }, "\(other)") }
  }

  /// What stands in a role of ours and in no policy of a role there: who may assume a role, and what buckets, images, snapshots and
  /// functions let others do.
  ///
  /// Of assuming nothing is said, for a trail tells it as sessions.
  private static let kinds = [
    "/trust identity:assume: not_observable", "/instance-profile identity:assume: not_observable", "/share ", "arn:aws:s3:::",
    ":function:",
  ]
}
