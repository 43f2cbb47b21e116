import Postgres

/// How versions of rows travel to PostgreSQL: all of one table in one statement, as one array a column.
extension RelationChanges.Version {
  /// Closes rows that are there; gives back their positions.
  static func closing(
    _ versions: [RelationChanges.Version], of table: RelationTable, tenant: Int32, in tables: RelationTables
  ) -> SQL {
    var key = columns(of: versions.map { Array($0.row.key) })
    var positions = ArrayColumn(of: Int64.self)
    var ends = ArrayColumn(of: Int64.self)
    var voided = ArrayColumn(of: Bool.self)
    for version in versions {
      positions.append(version.row.position)
      ends.append(version.to)
      voided.append(version.isVoided)
    }
    key += [positions, ends, voided]
    var sql = SQL.StringInterpolation(literalCapacity: 512, interpolationCount: key.count + 1)
    let names = (table.key + ["position", "ends", "is_voided"]).joined(separator: ", ")
    let target = tables.name(of: table.name)
    // Each row is looked up by its key, whatever the planner believes of the table's size: it may not move what has an OFFSET,
    // and from statistics of a table that was empty it would rather read the tenant's rows once for every one that closes.
    // The head's row is locked, so that no row moves in between.
    sql.appendLiteral("UPDATE \(target) AS x SET recorded_to = f.ends, voided = f.is_voided FROM (")
    sql.appendLiteral("SELECT r.place, c.ends, c.is_voided FROM unnest(")
    sql.append(key)
    sql.appendLiteral(") AS c (\(names)), LATERAL (SELECT r.ctid AS place FROM \(target) r WHERE r.tenant_id = ")
    sql.appendInterpolation(tenant)
    for column in table.key { sql.appendLiteral(" AND r.\(column) = c.\(column)") }
    sql.appendLiteral(" AND r.position = c.position AND r.recorded_to IS NULL OFFSET 0) r) f ")
    sql.appendLiteral("WHERE x.ctid = f.place RETURNING x.position")
    return SQL(stringInterpolation: sql)
  }

  /// Writes new rows.
  static func insertion(
    _ versions: [RelationChanges.Version], of table: RelationTable, tenant: Int32, in tables: RelationTables
  ) -> [SQL] {
    // PostgreSQL has no arrays of arrays that differ in length: where a cell is a list, each row is a statement of its own.
    if versions.contains(where: { $0.row.cells.contains(where: \.isList) }) {
      return versions.map { $0.insertion(tenant: tenant, in: tables) }
    }
    var columns = columns(of: versions.map(\.row.cells))
    var begins = ArrayColumn(of: Int64.self)
    var ends = ArrayColumn(of: Int64.self)
    var voided = ArrayColumn(of: Bool.self)
    for version in versions {
      begins.append(version.from)
      ends.append(version.to)
      voided.append(version.isVoided)
    }
    columns += [begins, ends, voided]
    var sql = SQL.StringInterpolation(literalCapacity: 512, interpolationCount: columns.count + 1)
    sql.appendLiteral("INSERT INTO \(tables.name(of: table.name)) (\(table.columnList)) SELECT ")
    sql.appendInterpolation(tenant)
    // Side by side, each a column of its own: in FROM the server would first store what comes of each apart.
    for column in columns {
      sql.appendLiteral(", unnest(")
      sql.appendInterpolation(column)
      sql.appendLiteral(")")
    }
    return [SQL(stringInterpolation: sql)]
  }

  private func insertion(tenant: Int32, in tables: RelationTables) -> SQL {
    var sql = SQL.StringInterpolation(literalCapacity: 512, interpolationCount: row.cells.count + 4)
    sql.appendLiteral("INSERT INTO \(tables.name(of: row.table.name)) (\(row.table.columnList)) VALUES (")
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

  /// One array for each cell of the rows, which are all of one table.
  private static func columns(of rows: [[Cell]]) -> [ArrayColumn] {
    guard let first = rows.first else { return [] }
    return first.indices.map { index in
      var column = first[index].emptyColumn
      for row in rows { column.append(row[index]) }
      return column
    }
  }

  static func copy(
    _ versions: [RelationChanges.Version], of table: RelationTable, into target: String, on connection: Connection,
    tenant: Int32
  ) throws {
    _ = try connection.copyIn("COPY \(target) (\(table.columnList)) FROM STDIN (FORMAT binary)") { writer in
      for version in versions {
        try writer.row(columns: version.row.cells.count + 4)
        try writer.write(tenant)
        for cell in version.row.cells { try writer.write(cell) }
        try writer.write(version.from)
        try writer.write(version.to)
        try writer.write(version.isVoided)
      }
    }
  }
}

extension Cell {
  /// Whether the cell is itself an array.
  fileprivate var isList: Bool {
    if case .texts = self { return true }
    return false
  }

  /// A column for cells of this kind.
  fileprivate var emptyColumn: ArrayColumn {
    switch self {
    case .text: ArrayColumn(of: String.self)
    case .json: ArrayColumn(of: JSONText.self)
    case .instant: ArrayColumn(of: Timestamp.self)
    case .range: ArrayColumn(of: TimestampRange.self)
    case .bool: ArrayColumn(of: Bool.self)
    case .integer: ArrayColumn(of: Int64.self)
    case .texts: preconditionFailure("a list is no element of a column")
    }
  }
}

extension ArrayColumn {
  fileprivate mutating func append(_ cell: Cell) {
    switch cell {
    case .text(let value): append(value)
    case .json(let value): append(value.map { JSONText($0) })
    case .instant(let value): append(value)
    case .range(let value): append(value)
    case .bool(let value): append(value)
    case .integer(let value): append(value)
    case .texts: preconditionFailure("a list is no element of a column")
    }
  }
}

extension SQL.StringInterpolation {
  fileprivate mutating func append(_ columns: [ArrayColumn]) {
    for (index, column) in columns.enumerated() {
      if index > 0 { appendLiteral(", ") }
      appendInterpolation(column)
    }
  }

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
