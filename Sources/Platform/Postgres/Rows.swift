import CPostgres

/// Owner of a libpq result, which it clears; immutable, so any thread may read it.
@safe final class QueryResult: @unchecked Sendable {
  let handle: OpaquePointer

  init(_ handle: OpaquePointer) {
    unsafe self.handle = handle
  }

  deinit {
    unsafe PQclear(handle)
  }

  var status: ExecStatusType { unsafe PQresultStatus(handle) }

  /// The rows that the command says it changed or returned; 0 for a command that counts none.
  var affectedRows: Int {
    guard let text = unsafe PQcmdTuples(handle) else { return 0 }
    return unsafe Int(String(cString: text)) ?? 0
  }

  /// The command's tag, such as `COMMIT` or `INSERT 0 1`.
  var commandTag: String {
    guard let text = unsafe PQcmdStatus(handle) else { return "" }
    return unsafe String(cString: text)
  }

  /// A field of an error, by its letter in the protocol ("Error and Notice Message Fields").
  func errorField(_ code: Unicode.Scalar) -> String? {
    guard let text = unsafe PQresultErrorField(handle, Int32(code.value)) else { return nil }
    return unsafe String(cString: text)
  }
}

/// The rows that a statement returned: a view on libpq's memory, decoded column by column when asked.
public struct Rows: RandomAccessCollection, Sendable {
  let result: QueryResult
  /// The place of the first row, 0.
  public let startIndex = 0
  /// The number of rows.
  public let endIndex: Int

  init(_ result: QueryResult) {
    self.result = result
    endIndex = unsafe Int(PQntuples(result.handle))
  }

  /// The row at a place, counted from 0.
  public subscript(position: Int) -> Row {
    precondition(position >= 0 && position < endIndex, "row \(position) of \(endIndex)")
    return Row(result: result, index: Int32(position))
  }

  /// The rows that the statement changed, or returned.
  public var affectedRows: Int { result.affectedRows }

  /// The names of the columns, in order.
  public var columnNames: [String] {
    unsafe (0..<PQnfields(result.handle)).map { unsafe String(cString: PQfname(result.handle, $0)) }
  }
}

/// One row of a result.
///
/// Columns are counted from 0; a column that does not exist is a programmer error and traps.
///
/// Every reader throws ``PostgresError`` with code `.badValue` where the column's type is another, or where it is NULL and the
/// reader does not say `optional`.
public struct Row: Sendable {
  let result: QueryResult
  let index: Int32

  /// The number of columns.
  public var columnCount: Int { unsafe Int(PQnfields(result.handle)) }

  /// True if the column is NULL.
  public func isNull(_ column: Int) -> Bool {
    precondition(column >= 0 && column < columnCount, "column \(column) of \(columnCount)")
    return unsafe PQgetisnull(result.handle, index, Int32(column)) == 1
  }

  /// Reads a value of any type that PostgreSQL can hold; `nil` for NULL.
  public func optionalValue<T: PostgresValue>(_ column: Int, as type: T.Type = T.self) throws(PostgresError) -> T? {
    guard !isNull(column) else { return nil }
    defer { extendLifetime(result) }
    do throws(PostgresError) {
      return try T(binary: unsafe bytesOfField(column).bytes, type: unsafe PQftype(result.handle, Int32(column)))
    } catch {
      throw located(error, column)
    }
  }

  /// Reads a value of any type that PostgreSQL can hold.
  public func value<T: PostgresValue>(_ column: Int, as type: T.Type = T.self) throws(PostgresError) -> T {
    guard let value = try optionalValue(column, as: T.self) else { throw null(column) }
    return value
  }

  /// Reads an array that may hold NULLs; `nil` for NULL.
  public func optionalArrayWithNulls<T: PostgresValue>(_ column: Int, of type: T.Type = T.self) throws(PostgresError) -> [T?]? {
    guard !isNull(column) else { return nil }
    defer { extendLifetime(result) }
    do throws(PostgresError) {
      // A type that is not an array has other bytes altogether; only array types may be taken apart as one.
      let columnType = unsafe PQftype(result.handle, Int32(column))
      guard ArrayBinary.isArray(columnType) else {
        throw PostgresError(.badValue, "a column of type OID \(columnType) is not an array")
      }
      return try ArrayBinary.decode(unsafe bytesOfField(column).bytes, of: T.self)
    } catch {
      throw located(error, column)
    }
  }

  /// Reads an array that may hold NULLs.
  public func arrayWithNulls<T: PostgresValue>(_ column: Int, of type: T.Type = T.self) throws(PostgresError) -> [T?] {
    guard let values = try optionalArrayWithNulls(column, of: T.self) else { throw null(column) }
    return values
  }

  /// Reads an array; a NULL within is an error.
  public func array<T: PostgresValue>(_ column: Int, of type: T.Type = T.self) throws(PostgresError) -> [T] {
    try ArrayBinary.withoutNulls(try arrayWithNulls(column, of: T.self))
  }

  /// Reads an array, a NULL within being an error; `nil` for NULL.
  public func optionalArray<T: PostgresValue>(_ column: Int, of type: T.Type = T.self) throws(PostgresError) -> [T]? {
    guard let values = try optionalArrayWithNulls(column, of: T.self) else { return nil }
    return try ArrayBinary.withoutNulls(values)
  }

  /// Lends the column's bytes as the server sent them, without copying; for text they are UTF-8, not yet checked.
  public func withBytes<R, E: Error>(_ column: Int, _ body: (RawSpan) throws(E) -> R) throws -> R {
    guard !isNull(column) else { throw null(column) }
    defer { extendLifetime(result) }
    return try body(unsafe bytesOfField(column).bytes)
  }

  /// The bytes of a field that is not NULL; they live as long as the result.
  private func bytesOfField(_ column: Int) -> UnsafeRawBufferPointer {
    let length = unsafe Int(PQgetlength(result.handle, index, Int32(column)))
    return unsafe UnsafeRawBufferPointer(start: PQgetvalue(result.handle, index, Int32(column)), count: length)
  }

  private func located(_ error: PostgresError, _ column: Int) -> PostgresError {
    var error = error
    error.message += ", in column \(column) (\(unsafe String(cString: PQfname(result.handle, Int32(column)))))"
    return error
  }

  private func null(_ column: Int) -> PostgresError {
    located(PostgresError(.badValue, "NULL where a value was expected"), column)
  }
}

extension Row {
  /// Reads `bigint`, `integer` or `smallint`.
  public func int64(_ column: Int) throws(PostgresError) -> Int64 { try value(column) }
  /// Reads `integer` or `smallint`.
  public func int32(_ column: Int) throws(PostgresError) -> Int32 { try value(column) }
  /// Reads `smallint`.
  public func int16(_ column: Int) throws(PostgresError) -> Int16 { try value(column) }
  /// Reads `boolean`.
  public func bool(_ column: Int) throws(PostgresError) -> Bool { try value(column) }
  /// Reads `double precision`.
  public func double(_ column: Int) throws(PostgresError) -> Double { try value(column) }
  /// Reads text of any kind, `json` and `jsonb` included.
  public func string(_ column: Int) throws(PostgresError) -> String { try value(column) }
  /// Reads `bytea`.
  public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] { try value(column) }
  /// Reads `timestamptz`.
  public func timestamp(_ column: Int) throws(PostgresError) -> Timestamp { try value(column) }
  /// Reads `tstzrange`.
  public func range(_ column: Int) throws(PostgresError) -> TimestampRange { try value(column) }
  /// Reads `uuid`.
  public func uuid(_ column: Int) throws(PostgresError) -> UUIDBytes { try value(column) }

  /// Reads `bigint`, `integer` or `smallint`; `nil` for NULL.
  public func optionalInt64(_ column: Int) throws(PostgresError) -> Int64? { try optionalValue(column) }
  /// Reads `integer` or `smallint`; `nil` for NULL.
  public func optionalInt32(_ column: Int) throws(PostgresError) -> Int32? { try optionalValue(column) }
  /// Reads `smallint`; `nil` for NULL.
  public func optionalInt16(_ column: Int) throws(PostgresError) -> Int16? { try optionalValue(column) }
  /// Reads `boolean`; `nil` for NULL.
  public func optionalBool(_ column: Int) throws(PostgresError) -> Bool? { try optionalValue(column) }
  /// Reads `double precision`; `nil` for NULL.
  public func optionalDouble(_ column: Int) throws(PostgresError) -> Double? { try optionalValue(column) }
  /// Reads text of any kind, `json` and `jsonb` included; `nil` for NULL.
  public func optionalString(_ column: Int) throws(PostgresError) -> String? { try optionalValue(column) }
  /// Reads `bytea`; `nil` for NULL.
  public func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? { try optionalValue(column) }
  /// Reads `timestamptz`; `nil` for NULL.
  public func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? { try optionalValue(column) }
  /// Reads `tstzrange`; `nil` for NULL.
  public func optionalRange(_ column: Int) throws(PostgresError) -> TimestampRange? { try optionalValue(column) }
  /// Reads `uuid`; `nil` for NULL.
  public func optionalUUID(_ column: Int) throws(PostgresError) -> UUIDBytes? { try optionalValue(column) }
}
