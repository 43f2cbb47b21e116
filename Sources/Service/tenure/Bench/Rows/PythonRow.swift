import AccessGraph
import EventLog
import Foundation
import JSON
import Postgres
import Temporal

extension BenchRow {
  /// Identities of the organisation that the Python peers decide about: as many as they can hold policies for.
  private static let decidedIdentities = 400

  static let python = BenchRow(
    name: "python", summary: "pycasbin and cedarpy on check, eventsourcing on append and rebuild; in Python, for information"
  ) { context in
    guard let python = context.python else {
      context.say("the peers in Python are not installed and are left out")
      return []
    }
    return try decisions(context, python) + events(context, python)
  }

  // MARK: Decisions

  private static func decisions(_ context: BenchContext, _ python: String) throws -> [BenchFigure] {
    let plan = OrganisationPlan(seed: BenchSize.seed, identities: decidedIdentities, events: decidedIdentities * 8)
    let tenant = try context.tenant("decided", plan)
    let view = context.view(tenant)
    let connection = try context.connectAsSuperuser()
    let questions = try CheckQuestions.make(tenant, count: 200, view: view, on: connection)
    let file = context.data + "/decisions.json"
    try document(tenant, questions, view, on: connection).canonicalText.write(toFile: file, atomically: true, encoding: .utf8)
    context.say("decisions here, by pycasbin and by cedarpy, in turn")
    var samples: [String: [Double]] = [:]
    for _ in 0..<Measuring.runs {
      samples["tenure", default: []].append(
        try Measuring.secondsPerCall(atLeast: context.size.questionSeconds) { call in
          let question = questions[call % questions.count]
          try tenant.read {
            Measuring.consume(
              Adapters.check($0, question.identity, action: question.action, resource: question.resource, view))
          }
        })
      let said = try ChildProgram.run(python, [context.scripts + "/decide.py", file])
      for (name, seconds) in try figures(said) { samples[name, default: []].append(seconds) }
    }
    let ours = Measuring.median(samples["tenure"] ?? [])
    return ["pycasbin", "cedarpy"].map { name in
      let theirs = Measuring.median(samples[name] ?? [])
      return BenchFigure(
        "python", "one decision", ours: .seconds(ours), peer: .seconds(theirs), name, ratio: theirs / ours, target: .atLeast(1))
    }
  }

  /// What decides: the groups that each belongs to, and each grant with every action of its role.
  private static func document(
    _ tenant: Tenant, _ questions: [CheckQuestion], _ view: Viewpoint, on connection: Connection
  ) throws -> JSONValue {
    let t = Timestamp(microsecondsSinceUnixEpoch: view.at.microseconds)
    try listAlive(tenant, t, on: connection)
    var parents = JSONObject()
    let edges = try connection.query(
      """
      SELECT m.member, array_agg(m.group_id ORDER BY m.group_id) FROM pg_temp.holding_memberships m
      GROUP BY m.member ORDER BY m.member COLLATE "C"
      """)
    for row in edges {
      parents[try row.string(0)] = .array(try row.array(1, of: String.self).map { .string($0) })
    }
    let grants = try connection.query(
      """
      SELECT a.principal, a.scope, a.role_id FROM tenure.assignments a
      JOIN pg_temp.alive p ON p.kind = a.principal_kind AND p.id = a.principal
        AND (p.since_effective, p.since_position) <= (a.begun_effective, a.begun_position)
      WHERE a.tenant_id = \(tenant.id) AND a.recorded_to IS NULL AND a.valid @> \(t)
      """)
    var policies: [JSONValue] = []
    for row in grants {
      let parts = try row.string(2).split(separator: "-").map(String.init)
      guard parts.count == 2, let level = OrganisationNames.levels.firstIndex(of: parts[1]) else { continue }
      for action in OrganisationNames.levels[0...level] {
        policies.append([.string(try row.string(0)), .string(try row.string(1)), .string(parts[0] + "." + action)])
      }
    }
    let asked = questions.map { question -> JSONValue in
      [.string(question.identity), .string(question.action), .string(question.resource), .bool(question.isAllowed)]
    }
    return ["parents": .object(parents), "policies": .array(policies), "questions": .array(asked)]
  }

  // MARK: Events

  private static func events(_ context: BenchContext, _ python: String) throws -> [BenchFigure] {
    let database = "eventsourcing"
    let connection = try context.connectAsSuperuser()
    try connection.execute("DROP DATABASE IF EXISTS \(database)")
    try connection.execute("CREATE DATABASE \(database)")
    let events = context.size.pythonEvents
    let plan = OrganisationPlan(seed: BenchSize.seed, identities: events / 10, events: events)
    let load = try context.commandLoad()
    let file = context.data + "/events.ndjson"
    context.say("\(events) events here and by eventsourcing, in turn")
    var samples: [String: (ours: [Double], theirs: [Double])] = [:]
    func note(_ name: String, _ ours: Double, _ theirs: Double) {
      samples[name, default: ([], [])].ours.append(ours)
      samples[name, default: ([], [])].theirs.append(theirs)
    }
    for run in 0..<Measuring.runs {
      let tenant = try context.store.findOrCreate(tenant: "python-\(run)")
      var organisation = Organisation(plan)
      let bulk = try Measuring.seconds { while try organisation.append(to: tenant, context.clock) > 0 {} }
      let rebuild = try Measuring.seconds {
        Measuring.consume(try Adapters.fold(tenant: tenant.id, through: tenant.head.position, on: connection))
      }
      let single = try load.run(seconds: Double(context.size.rateSeconds))
      if run == 0 { try export(tenant, to: file) }
      let said = try figures(
        try ChildProgram.run(
          python,
          [
            context.scripts + "/events.py", file, context.socketDirectory, database, "\(CommandLoad.callers)",
            "\(context.size.rateSeconds)",
          ]))
      let expected = try memberships(tenant, context.view(tenant), on: connection)
      guard said["memberships"] == Double(expected), expected > 0 else {
        throw AnswersDiffer("eventsourcing folds \(said["memberships"] ?? -1) memberships, here there are \(expected)")
      }
      note("single", single, said["single"] ?? .nan)
      note("bulk", Double(events) / bulk, said["bulk"] ?? .nan)
      note("rebuild", Double(events) / rebuild, said["rebuild"] ?? .nan)
    }
    let names = [
      ("single", "single events of \(CommandLoad.callers) callers"), ("bulk", "\(events) events in bulk"),
      ("rebuild", "\(events) events folded"),
    ]
    return names.map { name, what in
      let (ours, theirs) = (Measuring.median(samples[name]?.ours ?? []), Measuring.median(samples[name]?.theirs ?? []))
      return BenchFigure(
        "python", what, ours: .eventsPerSecond(ours), peer: .eventsPerSecond(theirs), "eventsourcing on PostgreSQL",
        ratio: ours / theirs, target: .atLeast(1))
    }
  }

  private static func export(_ tenant: Tenant, to file: String) throws {
    var text = ""
    try tenant.export { text += $0.body + "\n" }
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  /// Lists the identities and groups that exist at an instant, and the memberships that hold, their ends existing throughout.
  private static func listAlive(_ tenant: Tenant, _ t: Timestamp, on connection: Connection) throws {
    try connection.execute(
      """
      DROP TABLE IF EXISTS pg_temp.alive, pg_temp.holding_memberships;
      CREATE TEMPORARY TABLE alive (kind text, id text COLLATE "C", since_effective timestamptz, since_position int8);
      CREATE TEMPORARY TABLE holding_memberships (member text COLLATE "C", group_id text COLLATE "C")
      """)
    try connection.run(
      """
      INSERT INTO pg_temp.alive
      SELECT 'identity' AS kind, id, since_effective, since_position FROM tenure.identities
      WHERE tenant_id = \(tenant.id) AND recorded_to IS NULL AND valid @> \(t)
      UNION ALL
      SELECT 'group', id, since_effective, since_position FROM tenure.groups
      WHERE tenant_id = \(tenant.id) AND recorded_to IS NULL AND valid @> \(t)
      """)
    try connection.run(
      """
      INSERT INTO pg_temp.holding_memberships
      SELECT m.member, m.group_id FROM tenure.memberships m
      JOIN pg_temp.alive g ON g.kind = 'group' AND g.id = m.group_id
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
      JOIN pg_temp.alive e ON e.kind = m.member_kind AND e.id = m.member
        AND (e.since_effective, e.since_position) <= (m.effective_at, m.position)
      WHERE m.tenant_id = \(tenant.id) AND m.recorded_to IS NULL AND m.valid @> \(t)
      """)
  }

  private static func memberships(_ tenant: Tenant, _ view: Viewpoint, on connection: Connection) throws -> Int {
    try listAlive(tenant, Timestamp(microsecondsSinceUnixEpoch: view.at.microseconds), on: connection)
    return Int(try connection.query("SELECT count(*) FROM pg_temp.holding_memberships")[0].int64(0))
  }

  /// The numbers in a script's one line of JSON; read by hand, since our own reader refuses floats.
  private static func figures(_ said: String) throws -> [String: Double] {
    var numbers: [String: Double] = [:]
    for match in said.matches(of: /"(\w+)": ([0-9.eE+-]+)/) { numbers[String(match.output.1)] = Double(match.output.2) }
    guard !numbers.isEmpty else { throw ChildFailure(description: "a peer in Python said no figures: \(said)") }
    return numbers
  }
}
