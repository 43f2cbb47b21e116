import CPostgres
import Glibc

/// One session with a PostgreSQL server; calls block the calling thread.
///
/// One thread at a time may use a connection; ``cancel()`` alone may be called from another meanwhile. A ``Pool`` keeps to that.
/// While a body given to ``queryStreaming(_:_:)``, ``copyIn(_:_:)`` or ``copyOut(_:_:)`` runs, the connection is taken: another
/// call on it is a programmer error and traps. The session ends when the connection is released.
@safe public final class Connection: @unchecked Sendable {
  /// Seconds to wait for a connection when the connection string does not say (`connect_timeout`), for each address tried.
  public static let defaultConnectTimeoutSeconds = 10
  /// Milliseconds after which sent but unacknowledged data ends a TCP connection, when the connection string does not say: a
  /// server that vanished is noticed in this time, not after the kernel's quarter of an hour (`tcp_user_timeout`).
  public static let defaultUnacknowledgedMilliseconds = 30_000

  /// libpq's `PGconn`.
  let handle: OpaquePointer
  /// libpq's `PGcancel`, read-only once made, so that another thread may use it.
  private let canceller: OpaquePointer?
  var statements = StatementCache()
  /// Names of evicted statements that the server still holds.
  var evictedNames: [String] = []

  /// Connects, with `client_encoding` UTF8.
  ///
  /// - Parameters:
  ///   - conninfo: A URI or keyword string as libpq takes it, see "Connection Strings" in PostgreSQL's manual.
  ///   - applicationName: What `pg_stat_activity` shows, unless the string says otherwise. The default is `tenure`.
  /// - Throws: ``PostgresError`` with code `.connectionFailed`.
  public init(_ conninfo: String, applicationName: String = "tenure") throws(PostgresError) {
    guard !conninfo.containsNUL, !applicationName.containsNUL else {
      throw PostgresError(.badValue, "the connection string contains a NUL character (U+0000)")
    }
    // libpq: what stands before `dbname` is a default, what stands after it overrides the connection string.
    let settings = [
      ("connect_timeout", String(Self.defaultConnectTimeoutSeconds)),
      ("tcp_user_timeout", String(Self.defaultUnacknowledgedMilliseconds)), ("application_name", applicationName),
      ("dbname", conninfo), ("client_encoding", "UTF8"),
    ]
    guard let handle = unsafe Self.connect(settings) else {
      throw PostgresError(.connectionFailed, "libpq is out of memory")
    }
    unsafe self.handle = handle
    unsafe canceller = PQgetCancel(handle)
    guard unsafe PQstatus(handle) == CONNECTION_OK else {
      throw unsafe PostgresError(.connectionFailed, Self.message(of: handle))
    }
    // libpq's own receiver writes notices to standard error, which belongs to the program.
    unsafe PQsetNoticeReceiver(handle, { _, _ in }, nil)
  }

  deinit {
    unsafe PQfreeCancel(canceller)
    unsafe PQfinish(handle)
  }

  private static func connect(_ settings: [(String, String)]) -> OpaquePointer? {
    let keywords = unsafe settings.map { unsafe strdup($0.0) }
    let values = unsafe settings.map { unsafe strdup($0.1) }
    defer { unsafe (keywords + values).forEach { unsafe free($0) } }
    let keywordList = unsafe keywords.map { unsafe UnsafePointer<CChar>($0) } + [nil]
    let valueList = unsafe values.map { unsafe UnsafePointer<CChar>($0) } + [nil]
    return unsafe PQconnectdbParams(keywordList, valueList, 1)
  }

  /// Runs statements in the simple protocol, several if parted by semicolons; results are dropped.
  ///
  /// Several statements are one transaction unless they say otherwise. One round trip.
  public func execute(_ sql: String) throws(PostgresError) {
    guard !sql.containsNUL else { throw PostgresError(.badValue, "a statement's text contains a NUL character (U+0000)") }
    try begin()
    let result = unsafe PQexec(handle, sql)
    // The text may hold a COMMIT, so a loss always leaves the outcome open.
    _ = try unsafe checked(result, mayHaveCommitted: true)
  }

  /// Runs a statement and returns its rows; it is prepared on first use and kept, see ``SQL``.
  ///
  /// One round trip; two when the statement is new. `COMMIT` goes through ``transaction(_:_:)``, `COPY` through
  /// ``copyIn(_:_:)`` and ``copyOut(_:_:)``.
  public func query(_ statement: SQL) throws(PostgresError) -> Rows {
    Rows(try perform(statement))
  }

  /// Runs a statement and returns how many rows it changed.
  ///
  /// One round trip; two when the statement is new.
  @discardableResult
  public func run(_ statement: SQL) throws(PostgresError) -> Int {
    try perform(statement).affectedRows
  }

  private func perform(_ statement: SQL) throws(PostgresError) -> QueryResult {
    let wasPrepared = statements.name(for: statement.key) != nil
    do throws(PostgresError) {
      return try performOnce(statement)
    } catch {
      // A migration elsewhere can make a kept plan unusable; outside a transaction nothing has happened yet.
      guard wasPrepared, error.meansStalePlan, !isInTransaction else { throw error }
      return try performOnce(statement)
    }
  }

  private func performOnce(_ statement: SQL) throws(PostgresError) -> QueryResult {
    let commits = try begin()
    let name = try prepare(statement)
    let result = unsafe statement.withParameters { count, values, lengths, formats in
      unsafe PQexecPrepared(handle, name, count, values, lengths, formats, 1)
    }
    do throws(PostgresError) {
      return try unsafe checked(result, mayHaveCommitted: commits)
    } catch {
      if error.meansStalePlan { forget(statement) }
      throw error
    }
  }

  /// Asks the server to stop what it is doing for this connection; may be called from any thread.
  ///
  /// The statement then fails with code `.cancelled`, unless it ended first. Opens a connection of its own, for a round trip.
  public func cancel() {
    var message = [CChar](repeating: 0, count: 256)  // libpq: the recommended size
    // A refused request leaves the statement running, which its own caller sees; there is nobody else to tell.
    _ = unsafe PQcancel(canceller, &message, Int32(message.count))
  }

  /// A setting that the server reports by itself, such as `server_version` or `TimeZone`; `nil` if it does not.
  public func serverParameter(_ name: String) -> String? {
    guard let text = unsafe PQparameterStatus(handle, name) else { return nil }
    return unsafe String(cString: text)
  }

  /// The process that serves this connection, as `pg_stat_activity.pid` shows it.
  public var backendProcessID: Int32 { unsafe PQbackendPID(handle) }

  /// True if a transaction is open, failed or not.
  public var isInTransaction: Bool {
    let status = unsafe PQtransactionStatus(handle)
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
  }

  /// False once the connection is known to be lost.
  public var isOpen: Bool { unsafe PQstatus(handle) == CONNECTION_OK }
}

extension Connection {
  /// True while a command is under way.
  var isBusy: Bool { unsafe PQtransactionStatus(handle) == PQTRANS_ACTIVE }

  /// Checks that a command may be sent; says whether it will be a transaction of its own.
  @discardableResult
  func begin() throws(PostgresError) -> Bool {
    let status = unsafe PQtransactionStatus(handle)
    guard status != PQTRANS_UNKNOWN else {
      throw PostgresError(.connectionLost, "the connection was lost earlier")
    }
    precondition(status != PQTRANS_ACTIVE, "a connection was used within the body of its own query or COPY")
    return status == PQTRANS_IDLE
  }

  /// The name under which the server knows a statement, preparing it if need be.
  func prepare(_ statement: SQL) throws(PostgresError) -> String {
    if let defect = statement.defect { throw defect }
    try deallocateEvicted()
    if let name = statements.name(for: statement.key) { return name }
    let name = statements.newName()
    let result = unsafe PQprepare(handle, name, statement.text, Int32(statement.types.count), statement.types)
    _ = try unsafe checked(result, mayHaveCommitted: false)
    remember(statement, name: name)
    return name
  }

  func remember(_ statement: SQL, name: String) {
    if let evicted = statements.insert(statement.key, name: name) { evictedNames.append(evicted) }
  }

  func forget(_ statement: SQL) {
    if let name = statements.remove(statement.key) { evictedNames.append(name) }
  }

  /// Lets the server forget evicted statements; not within a failed transaction, which refuses everything.
  private func deallocateEvicted() throws(PostgresError) {
    guard !evictedNames.isEmpty, unsafe PQtransactionStatus(handle) == PQTRANS_IDLE else { return }
    for name in evictedNames {
      do throws(PostgresError) {
        _ = try unsafe checked(PQexec(handle, "DEALLOCATE " + name), mayHaveCommitted: false)
      } catch  where error.code == .server {
        // The server has forgotten it already (DISCARD ALL).
      }
    }
    evictedNames.removeAll()
  }

  /// Takes ownership of a result and throws if it is a failure.
  func checked(_ raw: OpaquePointer?, mayHaveCommitted: Bool) throws(PostgresError) -> QueryResult {
    guard let raw = unsafe raw else { throw failure(nil, mayHaveCommitted: mayHaveCommitted) }
    let result = unsafe QueryResult(raw)
    switch result.status {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE: return result
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
      drain()
      throw PostgresError(.badValue, "COPY needs copyIn or copyOut")
    default: throw failure(result, mayHaveCommitted: mayHaveCommitted)
    }
  }

  /// What a failed result, or the lack of one, means.
  func failure(_ result: QueryResult?, mayHaveCommitted: Bool) -> PostgresError {
    var error = PostgresError(.server, "")
    if let result {
      error.sqlState = result.errorField("C")
      error.message = result.errorField("M") ?? ""
      error.constraint = result.errorField("n")
      error.table = result.errorField("t")
      error.column = result.errorField("c")
    }
    if error.message.isEmpty { error.message = unsafe Self.message(of: handle) }
    if unsafe PQstatus(handle) != CONNECTION_OK || error.meansShutdown {
      error.code = .connectionLost
      error.commitOutcomeUnknown = mayHaveCommitted
    } else if error.sqlState == "57014" {
      error.code = .cancelled
    } else if error.sqlState == "55P03" {
      error.code = .timedOut
    } else if error.sqlState == nil {
      // libpq itself refused: the call was out of order or the bytes were.
      error.code = .protocolViolation
    }
    return error
  }

  /// Reads what is left of a command, ending a COPY if one is open, so that the next can be sent.
  func drain() {
    while let raw = unsafe PQgetResult(handle) {
      let result = unsafe QueryResult(raw)
      switch result.status {
      case PGRES_COPY_IN, PGRES_COPY_BOTH: unsafe PQputCopyEnd(handle, "ended by the client")
      case PGRES_COPY_OUT:
        var buffer: UnsafeMutablePointer<CChar>?
        while unsafe PQgetCopyData(handle, &buffer, 0) > 0 { unsafe PQfreemem(buffer) }
      default: break
      }
      guard isOpen else { break }
    }
  }

  /// libpq's message for the connection: the first line, without its full stop.
  static func message(of handle: OpaquePointer) -> String {
    let text = unsafe String(cString: PQerrorMessage(handle))
    let line = text.split(separator: "\n").first.map(String.init) ?? "no reason given"
    return line.hasSuffix(".") ? String(line.dropLast()) : line
  }
}

extension SQL {
  var key: StatementCache.Key { StatementCache.Key(text: text, types: types) }
}

extension PostgresError {
  /// A prepared statement that the server no longer has, or whose result type changed under it.
  var meansStalePlan: Bool { sqlState == "26000" || sqlState == "0A000" }
  /// The server ended the session: administrator, crash of another session, shutting down, idle for too long.
  ///
  /// Class 08 is not among them: a foreign server's connection may have failed, or bytes of a COPY been malformed.
  var meansShutdown: Bool { ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(sqlState) }
}
