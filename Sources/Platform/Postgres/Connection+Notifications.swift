import CPostgres
import Glibc

/// A message that another session sent with NOTIFY.
public struct Notification: Hashable, Sendable {
  /// The channel it was sent on.
  public let channel: String
  /// What it says; empty if nothing.
  public let payload: String
}

extension Connection {
  /// PostgreSQL cuts longer names off (`NAMEDATALEN` − 1), and two channels would become one.
  public static let maximumChannelNameBytes = 63

  /// Begins to receive what is sent on a channel, from when the transaction commits on.
  public func listen(_ channel: String) throws(PostgresError) {
    guard (1...Self.maximumChannelNameBytes).contains(channel.utf8.count) else {
      throw PostgresError(.badValue, "a channel's name must have 1 to \(Self.maximumChannelNameBytes) bytes")
    }
    try execute("LISTEN " + SQL.quoted(identifier: channel))
  }

  /// Sends a message, when the transaction commits; PostgreSQL's limit is 7,999 bytes.
  public func notify(_ channel: String, _ payload: String = "") throws(PostgresError) {
    _ = try query("SELECT pg_notify(\(channel), \(payload))")
  }

  /// What has arrived on the channels listened to; if nothing has, waits until something does.
  ///
  /// - Parameter timeoutMilliseconds: How long to wait; 0 does not wait.
  /// - Returns: The notifications in the order they were committed; none if the time is over.
  /// - Throws: ``PostgresError`` with code `.connectionLost`, after which notifications have been missed.
  public func notifications(waiting timeoutMilliseconds: Int) throws(PostgresError) -> [Notification] {
    try begin()
    let deadline = ContinuousClock.now + .milliseconds(timeoutMilliseconds)
    while true {
      guard unsafe PQconsumeInput(handle) == 1 else { throw failure(nil, mayHaveCommitted: false) }
      let arrived = takeNotifications()
      let left = Int((deadline - .now) / .milliseconds(1))
      if !arrived.isEmpty || left < 0 { return arrived }
      // At the deadline one last look without waiting: what has arrived meanwhile is not left lying.
      guard try wait(for: Int16(POLLIN), milliseconds: Int32(clamping: left)) else { return takeNotifications() }
    }
  }

  private func takeNotifications() -> [Notification] {
    var arrived: [Notification] = []
    while let raw = unsafe PQnotifies(handle) {
      unsafe arrived.append(
        Notification(channel: String(cString: raw.pointee.relname), payload: String(cString: raw.pointee.extra)))
      unsafe PQfreemem(raw)
    }
    return arrived
  }

  /// Waits until the socket is ready; false if the time is over.
  ///
  /// −1 waits without end.
  func wait(for events: Int16, milliseconds: Int32) throws(PostgresError) -> Bool {
    var descriptor = pollfd(fd: unsafe PQsocket(handle), events: events, revents: 0)
    let ready = unsafe poll(&descriptor, 1, milliseconds)
    if ready >= 0 { return ready > 0 }
    guard errno == EINTR else { throw PostgresError(.connectionLost, "waiting for the server failed with errno \(errno)") }
    // A signal is no reason to fail: the caller looks, finds nothing and waits for what time is left.
    return true
  }

  /// True if the server has ended the session while it was idle; looks without a round trip.
  func hasDiedIdle() -> Bool {
    guard isOpen else { return true }
    // libpq notices end of file by reading; the first look may find the server's farewell, the second the end behind it.
    return unsafe PQconsumeInput(handle) != 1 || PQconsumeInput(handle) != 1 || !isOpen
  }

  /// Ends the session so that no later call can mistake what is left of this one for its own.
  func abandon() {
    let socket = unsafe PQsocket(handle)
    if socket >= 0 { _ = shutdown(socket, Int32(SHUT_RDWR)) }
    // Reading end of file makes libpq mark the connection as lost.
    while unsafe PQconsumeInput(handle) == 1, isOpen, socket >= 0 {}
  }
}
