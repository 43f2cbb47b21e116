import Postgres

/// How versions of rows travel to PostgreSQL.
extension RelationChanges.Version {
  func closing(tenant: Int32, in tables: RelationTables) -> SQL {
    var sql = SQL.StringInterpolation(literalCapacity: 256, interpolationCount: row.table.key.count + 4)
    sql.appendLiteral("UPDATE \(tables.name(of: row.table.name)) SET recorded_to = ")
    sql.appendInterpolation(to)
    sql.appendLiteral(", voided = ")
    sql.appendInterpolation(isVoided)
    sql.appendLiteral(" WHERE tenant_id = ")
    sql.appendInterpolation(tenant)
    for (column, cell) in zip(row.table.key, row.key) {
      sql.appendLiteral(" AND \(column) = ")
      sql.append(cell)
    }
    sql.appendLiteral(" AND position = ")
    sql.appendInterpolation(row.position)
    sql.appendLiteral(" AND recorded_to IS NULL")
    return SQL(stringInterpolation: sql)
  }

  func insertion(tenant: Int32, in tables: RelationTables) -> SQL {
    var sql = SQL.StringInterpolation(literalCapacity: 512, interpolationCount: row.cells.count + 4)
    sql.appendLiteral("INSERT INTO \(tables.name(of: row.table.name)) (\(Self.columns(of: row.table))) VALUES (")
    sql.appendInterpolation(tenant)
    for cell in row.cells {
      sql.appendLiteral(", ")
      sql.append(cell)
    }
    sql.appendLiteral(", ")
    sql.appendInterpolation(from)
    sql.appendLiteral(", ")
    sql.appendInterpolation(to)
    sql.appendLiteral(", ")
    sql.appendInterpolation(isVoided)
    sql.appendLiteral(")")
    return SQL(stringInterpolation: sql)
  }

  static func columns(of table: RelationTable) -> String {
    (["tenant_id"] + table.columns + ["recorded_from", "recorded_to", "voided"]).joined(separator: ", ")
  }

  static func copy(
    _ versions: [RelationChanges.Version], of table: RelationTable, into target: String, on connection: Connection,
    tenant: Int32
  ) throws {
    _ = try connection.copyIn("COPY \(target) (\(columns(of: table))) FROM STDIN (FORMAT binary)") { writer in
      for version in versions {
        try writer.row(columns: table.columns.count + 4)
        try writer.write(tenant)
        for cell in version.row.cells { try writer.write(cell) }
        try writer.write(version.from)
        try writer.write(version.to)
        try writer.write(version.isVoided)
      }
    }
  }
}

extension SQL.StringInterpolation {
  fileprivate mutating func append(_ cell: Cell) {
    switch cell {
    case .text(let value): appendInterpolation(value)
    case .texts(let value): appendInterpolation(value)
    case .json(let value): appendInterpolation(value.map { JSONText($0) })
    case .instant(let value): appendInterpolation(value)
    case .range(let value): appendInterpolation(value)
    case .bool(let value): appendInterpolation(value)
    case .integer(let value): appendInterpolation(value)
    }
  }
}

extension BinaryCopyWriter {
  fileprivate mutating func write(_ cell: Cell) throws(PostgresError) {
    switch cell {
    case .text(let value): try write(value)
    case .texts(let value): try write(value)
    case .json(let value): try write(value.map { JSONText($0) })
    case .instant(let value): try write(value)
    case .range(let value): try write(value)
    case .bool(let value): try write(value)
    case .integer(let value): try write(value)
    }
  }
}
