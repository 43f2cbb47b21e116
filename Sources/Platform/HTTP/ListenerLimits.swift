/// Bounds on what clients can make a listener hold or wait for.
public struct ListenerLimits: Sendable {
  /// The most bytes of request line and headers; over it 431.
  ///
  /// Default 8 KiB, as Apache and Tomcat: room for a long query and a token; a longer question is a POST.
  ///
  /// libmicrohttpd holds twice as much for each connection, clears all of it after each request (of 64 KiB that was a quarter of
  /// a short request's time), and answers 431 or 414 itself where even that is exceeded.
  public var headerBytes = 8 * 1024
  /// The most bytes of a body; over it 413 and the connection is closed.
  ///
  /// Default 16 MiB: a bulk import in pages.
  public var bodyBytes = 16 * 1024 * 1024
  /// The most open connections; further ones wait unaccepted in the kernel's queue.
  ///
  /// Default 1024: the usual soft limit on open files. Where those run out before, connections wait in the same way.
  public var connections = 1024
  /// The most connections from one IP address, nil for no such limit; further ones are closed.
  ///
  /// Default nil: behind a proxy,
  /// on loopback or on a Unix socket all clients have one address.
  public var connectionsPerAddress: Int?
  /// Seconds without a byte either way until a connection is closed.
  ///
  /// Default 30: longer than a client's pause between two
  /// requests. A waiting reply is exempt.
  public var idleTimeoutSeconds = 30
  /// Seconds in which a whole request must arrive; then its connection is closed.
  ///
  /// Counted from the connection's opening or, on a connection kept alive, from the end of `idleTimeoutSeconds` after the
  /// last answer. Default 60: 16 MiB at 2.3 Mbit/s.
  public var requestTimeoutSeconds = 60
  /// The most connections that wait for a `Reply.later`; over it 503 with `Retry-After`.
  ///
  /// Default 512: half the
  /// connections, so that health checks still get through.
  public var suspendedConnections = 512
  /// Seconds a client is asked to wait in `Retry-After` with a 503.
  ///
  /// Default 1: what waits is bounded and moves on quickly.
  public var retryAfterSeconds = 1

  /// Makes the default limits.
  public init() {}
}
