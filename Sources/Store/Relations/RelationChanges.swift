public import Governance
public import Postgres

/// The facts that one atomic batch touches, and at which moments.
public struct RelationBatch: Sendable {
  /// Facts from which on a table tells which are touched; below it a scan is as quick and needs no memory.
  private static let indexedFrom = 16

  fileprivate private(set) var touched: [(fact: Fact, moments: ClosedRange<Moment>)] = []
  fileprivate private(set) var permissions: [RolePermissionRow] = []
  /// The last position before the batch; nil as long as it is empty.
  fileprivate private(set) var before: Int64?
  private var places: [Fact: Int] = [:]

  /// A batch that touches nothing yet.
  public init() {}

  /// Notes what an event will touch; to be called before it is applied, with the world without it.
  public mutating func willApply(_ event: Event, in world: some World) {
    before = before ?? event.position - 1
    for write in event.writes { note(write.fact, event.moment) }
    permissions += RolePermissionRow.rows(of: event.change, at: event.position)
    if case .eventVoided(let position) = event.change, let voided = world.event(at: position) {
      for fact in voided.facts { note(fact, Moment(voided.effectiveAt, position)) }
    }
  }

  private mutating func note(_ fact: Fact, _ moment: Moment) {
    if let place = place(of: fact) {
      let moments = touched[place].moments
      touched[place].moments = min(moments.lowerBound, moment)...max(moments.upperBound, moment)
      return
    }
    touched.append((fact, moment...moment))
    if touched.count == Self.indexedFrom {
      for (place, fact) in touched.enumerated() { places[fact.fact] = place }
    } else if touched.count > Self.indexedFrom {
      places[fact] = touched.count - 1
    }
  }

  private func place(of fact: Fact) -> Int? {
    touched.count < Self.indexedFrom ? touched.firstIndex { $0.fact == fact } : places[fact]
  }
}

/// The changes of rows that the batches of one transaction come to.
///
/// A row is closed at the last position of the batch that changed it and written anew from there; so a question as known at
/// the end of any batch finds exactly the rows of that batch, also of batches that share a transaction.
public struct RelationChanges: Sendable {
  /// A row with the stretch of knowledge over which it stands.
  struct Version: Hashable, Sendable {
    var row: RelationRow
    var from: Int64
    var to: Int64?
    var isVoided = false
  }

  /// Rows that were there before the transaction, and are closed by it.
  private(set) var closed: [Version] = []
  /// Rows that the transaction writes, in the order of writing.
  private(set) var written: [Version] = []
  private(set) var permissions: [RolePermissionRow] = []
  /// The last row written for the entries of an event, by its position; and for each row the one before it, or -1.
  private var lastWritten: [Int64: Int] = [:]
  private var previousWritten: [Int] = []

  /// No changes.
  public init() {}

  /// Whether there is nothing to write.
  public var isEmpty: Bool { closed.isEmpty && written.isEmpty && permissions.isEmpty }

  /// Adds what a batch came to; to be called once its events are applied.
  ///
  /// O(entries next to those that the batch brought or voided).
  /// - Parameter lastPosition: the position of the batch's last event.
  public mutating func record(_ batch: RelationBatch, in world: some World, lastPosition: Int64) {
    permissions += batch.permissions
    guard let position = batch.before else { return }
    let former = world.known(at: position)
    for (fact, moments) in batch.touched {
      let before = RelationRow.rows(of: fact, around: moments, in: former)
      let after = RelationRow.rows(of: fact, around: moments, in: world)
      if before.isEmpty {
        for row in after { write(row, from: lastPosition) }
      } else {
        replace(before, by: after, at: lastPosition)
      }
    }
  }

  private mutating func replace(_ before: [RelationRow], by after: [RelationRow], at lastPosition: Int64) {
    let kept = Set(after)
    let there = Set(before)
    let positions = Set(after.map(\.position))
    for row in before where !kept.contains(row) {
      close(row, at: lastPosition, isVoided: !positions.contains(row.position))
    }
    for row in after where !there.contains(row) { write(row, from: lastPosition) }
  }

  private mutating func write(_ row: RelationRow, from position: Int64) {
    let index = written.count
    previousWritten.append(lastWritten.updateValue(index, forKey: row.position) ?? -1)
    written.append(Version(row: row, from: position, to: nil))
  }

  /// Closes the version of the row that this transaction wrote, or else the one that was there before it.
  private mutating func close(_ row: RelationRow, at position: Int64, isVoided: Bool) {
    var index = lastWritten[row.position] ?? -1
    while index >= 0 {
      let version = written[index]
      if version.to == nil, version.row.table === row.table, version.row.key == row.key {
        written[index].to = position
        written[index].isVoided = isVoided
        return
      }
      index = previousWritten[index]
    }
    closed.append(Version(row: row, from: 0, to: position, isVoided: isVoided))
  }
}

extension RelationChanges {
  /// Rows of one table from which a COPY is cheaper than an INSERT of arrays, which the server takes apart first.
  private static let copyThreshold = 500

  /// Settings of a session that writes changes: the few rows named are always found through the index.
  ///
  /// Statements are planned once and kept, and one planned while a table was small would go on reading all of it.
  public static let planning =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off"

  static let usualPlanning =
    "RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_bitmapscan"

  /// The changes as statements for one pipeline: first the closings, then the new rows.
  public func statements(tenant: Int32) -> [SQL] {
    closings(tenant: tenant, in: .live)
      + Self.byTable(written).flatMap { Version.insertion($0.versions, of: $0.table, tenant: tenant, in: .live) }
      + permissions.map { $0.insert(tenant: tenant) }
  }

  /// How many rows are closed and written.
  public var rowCount: Int { closed.count + written.count + permissions.count }

  private func closings(tenant: Int32, in tables: RelationTables) -> [SQL] {
    Self.byTable(closed).map { Version.closing($0.versions, of: $0.table, tenant: tenant, in: tables) }
  }

  private static func byTable(_ versions: [Version]) -> [(table: RelationTable, versions: [Version])] {
    var tables: [(table: RelationTable, versions: [Version])] = []
    for version in versions {
      if let index = tables.firstIndex(where: { $0.table === version.row.table }) {
        tables[index].versions.append(version)
      } else {
        tables.append((version.row.table, [version]))
      }
    }
    return tables
  }

  /// Looks at the results of `statements`: a closing that found no row shows that the tables and the log are not at one.
  ///
  /// No reason to refuse an event, least of all a revoke: the tables follow from the log, and a rebuild mends them.
  public func damage(in results: some Collection<Rows>) -> RelationsDamage? {
    for (closing, result) in zip(Self.byTable(closed), results) where result.affectedRows != closing.versions.count {
      let found = Set(result.compactMap { try? $0.int64(0) })
      let missing = closing.versions.first { !found.contains($0.row.position) } ?? closing.versions[0]
      return RelationsDamage(table: closing.table.name, position: missing.row.position)
    }
    return nil
  }

  /// Writes the changes within a transaction that is open, in bulk: a binary COPY for each table with many new rows.
  ///
  /// - Returns: the first sign that the tables were damaged before, if there is one.
  /// - Throws: `PostgresError`.
  public func write(on connection: Connection, tenant: Int32) throws -> RelationsDamage? {
    try write(on: connection, tenant: tenant, in: .live)
  }

  @discardableResult
  func write(on connection: Connection, tenant: Int32, in tables: RelationTables) throws -> RelationsDamage? {
    var statements = closings(tenant: tenant, in: tables)
    var copied: [(table: RelationTable, versions: [Version])] = []
    for (table, versions) in Self.byTable(written) {
      if versions.count < Self.copyThreshold {
        statements += Version.insertion(versions, of: table, tenant: tenant, in: tables)
      } else {
        copied.append((table, versions))
      }
    }
    let results = try connection.pipeline(statements)
    for (table, versions) in copied {
      try Version.copy(versions, of: table, into: tables.name(of: table.name), on: connection, tenant: tenant)
    }
    guard !permissions.isEmpty else { return damage(in: results) }
    let target = tables.name(of: RolePermissionRow.table)
    _ = try connection.copyIn("COPY \(target) (\(RolePermissionRow.columns)) FROM STDIN (FORMAT binary)") { writer in
      for row in permissions { try row.write(tenant: tenant, to: &writer) }
    }
    return damage(in: results)
  }
}

/// Which set of relation tables is written: the live ones, or the shadows that a rebuild folds into.
enum RelationTables {
  case live
  case shadow

  func name(of table: String) -> String {
    switch self {
    case .live: "tenure.\(table)"
    case .shadow: "pg_temp.shadow_\(table)"
    }
  }
}

/// A row that the log asks for and that was not there to be closed: somebody has worked in the tables by hand.
public struct RelationsDamage: Hashable, Sendable, CustomStringConvertible {
  /// The table.
  public let table: String
  /// The event whose row is missing.
  public let position: Int64

  /// What is wrong and what to do.
  public var description: String {
    "tenure.\(table) lacks the current row of event \(position): run tenure rebuild for this tenant"
  }
}
