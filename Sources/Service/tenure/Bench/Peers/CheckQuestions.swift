import AccessGraph
import EventLog
import Postgres
import Temporal

/// One decision that is asked for, and what it should be.
struct CheckQuestion: Hashable, Sendable {
  var identity: String
  var action: String
  var resource: String
  var isAllowed: Bool
}

/// Decisions about a generated organisation: half of them allowed, directly or through groups and included roles.
enum CheckQuestions {
  /// Made from the relation tables, with the answers of the SQL functions.
  ///
  /// - Throws: `AnswersDiffer` where the graph decides otherwise, or where all answers are the same.
  static func make(_ tenant: Tenant, count: Int, view: Viewpoint, on connection: Connection) throws -> [CheckQuestion] {
    let t = Timestamp(microsecondsSinceUnixEpoch: view.at.microseconds)
    // By a hash of the id, so that they lie all over the organisation, and the same ones are taken each time.
    let rows = try connection.query(
      """
      WITH a AS (
        SELECT principal_kind, principal, role_id, scope FROM tenure.assignments
        WHERE tenant_id = \(tenant.id) AND recorded_to IS NULL AND valid @> \(t) AND condition IS NULL
          AND scope LIKE 'example.org/area-%' ORDER BY md5(id) LIMIT \(Int64(count * 4)))
      (SELECT principal, role_id, scope FROM a WHERE principal_kind = 'identity' LIMIT \(Int64(count / 4)))
      UNION ALL
      (SELECT DISTINCT ON (a.principal, a.role_id, a.scope) m.member, a.role_id, a.scope FROM a
       JOIN tenure.memberships m ON m.tenant_id = \(tenant.id) AND m.group_id = a.principal AND m.member_kind = 'identity'
         AND m.recorded_to IS NULL AND m.valid @> \(t)
       WHERE a.principal_kind = 'group' LIMIT \(Int64(count / 4)))
      """)
    var questions: [CheckQuestion] = []
    for row in rows {
      let (identity, role, scope) = (try row.string(0), try row.string(1), try row.string(2))
      // The lowest level of the system: allowed through every role that includes it.
      let action = (role.split(separator: "-").first.map(String.init) ?? role) + "." + OrganisationNames.levels[0]
      questions.append(CheckQuestion(identity: identity, action: action, resource: scope, isAllowed: true))
      // The same person, on what the question before was about.
      if let other = questions.dropLast().last {
        questions.append(
          CheckQuestion(identity: identity, action: action, resource: other.resource, isAllowed: false))
      }
    }
    return try compared(questions, tenant, view, connection)
  }

  private static func compared(
    _ asked: [CheckQuestion], _ tenant: Tenant, _ view: Viewpoint, _ connection: Connection
  ) throws -> [CheckQuestion] {
    let t = Timestamp(microsecondsSinceUnixEpoch: view.at.microseconds)
    var questions = asked
    for index in questions.indices {
      let question = questions[index]
      questions[index].isAllowed = try !connection.query(
        """
        SELECT FROM tenure.who_had_access(\(tenant.name), \(question.action), \(question.resource), \(t), \(view.asKnownAt))
        WHERE identity = \(question.identity) AND status = 'allowed'
        """
      ).isEmpty
      let status = try tenant.read {
        Adapters.check($0, question.identity, action: question.action, resource: question.resource, view)
      }
      guard (status == .allowed) == questions[index].isAllowed else {
        throw AnswersDiffer("check of \(question): \(status) here, \(questions[index].isAllowed) by tenure.who_had_access")
      }
    }
    let allowed = questions.count(where: \.isAllowed)
    guard allowed > questions.count / 10, allowed < questions.count else {
      throw AnswersDiffer("\(allowed) of \(questions.count) decisions are allowed; that is no mixture")
    }
    return questions
  }
}
