public import Postgres

extension Schema {
  /// Serialises migrations of one database; any number that nothing else uses.
  private static let advisoryLock: Int64 = 0x74_656E_7572_65

  /// Brings the database to this version: missing migrations, each in its own transaction; then functions, views, privileges.
  ///
  /// Safe to run at any time and by several processes at once. The session must be a superuser's or that of a member of
  /// `tenure_owner` where the roles exist.
  /// - Returns: the names of the migrations applied now.
  /// - Throws: `SchemaError` where the database was written by another version; `PostgresError`.
  public static func migrate(_ connection: Connection) throws -> [String] {
    _ = try connection.query("SELECT pg_advisory_lock(\(advisoryLock))")
    defer { _ = try? connection.query("SELECT pg_advisory_unlock(\(advisoryLock))") }
    try refuseBadEncoding(connection)
    let applied = try isMade(connection) ? try appliedMigrations(connection) : [:]
    try refuseUnknown(applied)
    if !applied.isEmpty { try refuseChanged(connection) }
    if applied.count == migrations.count, try isCurrent(connection) { return [] }
    try connection.execute(roles.text)
    var now: [String] = []
    for file in migrations where applied[file.name] == nil {
      try connection.transaction { connection in
        try connection.execute("SET LOCAL ROLE tenure_owner")
        try connection.execute(
          """
          CREATE TABLE IF NOT EXISTS tenure.migration (
            name text COLLATE "C" PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
          """)
        try connection.execute(file.text)
        try connection.run("INSERT INTO tenure.migration (name, digest) VALUES (\(file.name), md5(\(file.text)))")
      }
      now.append(file.name)
    }
    try replaceTexts(connection)
    return now
  }

  /// Functions, views and privileges as this version has them, in one transaction.
  private static func replaceTexts(_ connection: Connection) throws {
    try connection.transaction { connection in
      try connection.execute("SET LOCAL ROLE tenure_owner")
      try connection.execute("CREATE TABLE IF NOT EXISTS tenure.schema_text (digest text NOT NULL)")
      for file in functions + views { try connection.execute(file.text) }
      try connection.execute(grants.text)
      try connection.execute("DELETE FROM tenure.schema_text")
      try connection.run("INSERT INTO tenure.schema_text (digest) SELECT md5(\(replaceableText))")
    }
  }

  private static var replaceableText: String { (functions + views + [grants]).map(\.text).joined() }

  /// Whether functions, views and privileges are this version's already, so that opening a database changes nothing.
  private static func isCurrent(_ connection: Connection) throws -> Bool {
    guard try connection.query("SELECT to_regclass('tenure.schema_text') IS NOT NULL")[0].bool(0) else { return false }
    return try connection.query("SELECT count(*) = 1 FROM tenure.schema_text WHERE digest = md5(\(replaceableText))")[0].bool(0)
  }

  /// Refuses a database that this process must not work on; called by every process at its start, as the service.
  ///
  /// - Throws: `SchemaError` with what to do; `PostgresError`.
  public static func verify(_ connection: Connection) throws {
    let superuser = try connection.query(
      "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user OR rolname = session_user ORDER BY 1 DESC LIMIT 1")
    if try superuser.first?.bool(0) ?? false {
      throw SchemaError(.superuser, "this is a superuser's session, which no privilege binds: connect as tenure_service")
    }
    try refuseBadEncoding(connection)
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
      let value = try connection.query("SELECT current_setting(\(setting))")[0].string(0)
      if value == "off" || (setting == "synchronous_commit" && value == "local") {
        throw SchemaError(.durability, "\(setting) is \(value): an acknowledged event could be lost; set it to on")
      }
    }
    guard try isMade(connection) else {
      throw SchemaError(.migrationMissing, "this database has no schema tenure: run tenure migrate as its owner")
    }
    let applied = try appliedMigrations(connection)
    try refuseUnknown(applied)
    try refuseChanged(connection)
    if let missing = migrations.first(where: { applied[$0.name] == nil }) {
      throw SchemaError(.migrationMissing, "migration \(missing.name) is missing: run tenure migrate as the database's owner")
    }
  }

  private static func isMade(_ connection: Connection) throws -> Bool {
    try connection.query("SELECT to_regclass('tenure.migration') IS NOT NULL")[0].bool(0)
  }

  private static func appliedMigrations(_ connection: Connection) throws -> [String: String] {
    var applied: [String: String] = [:]
    for row in try connection.query("SELECT name, digest FROM tenure.migration") {
      applied[try row.string(0)] = try row.string(1)
    }
    return applied
  }

  private static func refuseUnknown(_ applied: [String: String]) throws {
    let known = Set(migrations.map(\.name))
    if let unknown = applied.keys.sorted().first(where: { !known.contains($0) }) {
      throw SchemaError(
        .writtenByNewerVersion, "this database was written by a newer version (it has \(unknown)): use that version")
    }
  }

  /// A migration that was edited after it was applied left the tables as they were: this version's statements would not fit them.
  private static func refuseChanged(_ connection: Connection) throws {
    let changed = try connection.query(
      """
      SELECT m.name FROM tenure.migration m JOIN unnest(\(migrations.map(\.name)), \(migrations.map(\.text))) AS f (name, body)
        ON f.name = m.name
      WHERE m.digest <> md5(f.body) ORDER BY m.name LIMIT 1
      """)
    guard let name = try changed.first?.string(0) else { return }
    throw SchemaError(
      .migrationChanged, "migration \(name) was applied with another text than this version has: use the version that wrote it")
  }

  private static func refuseChanged(_ connection: Connection, _ applied: [String: String]) throws {
    if applied.isEmpty { return }
    let changed = try connection.query(
      """
      SELECT m.name FROM tenure.migration m
      JOIN unnest(\(migrations.map(\.name)), \(migrations.map(\.text))) AS known (name, text) ON known.name = m.name
      WHERE m.digest <> md5(known.text) ORDER BY m.name LIMIT 1
      """)
    if let row = changed.first {
      throw SchemaError(
        .migrationChanged,
        "migration \(try row.string(0)) was applied with another text than this program has: use the program that applied it")
    }
  }

  private static func refuseBadEncoding(_ connection: Connection) throws {
    let encoding = try connection.query("SELECT current_setting('server_encoding')")[0].string(0)
    if encoding != "UTF8" {
      throw SchemaError(.encoding, "the database's encoding is \(encoding): make one with ENCODING 'UTF8'")
    }
  }
}
