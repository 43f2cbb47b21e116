/// Why a listener could not start.
public struct ListenerError: Error, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: Sendable, Equatable {
    /// Another process (or listener) has the address.
    case addressInUse
    /// The process may not bind there, or may not replace what lies at the socket's path.
    case permissionDenied
    /// The host is unknown, the port out of range, or the socket's path is too long or taken by something else.
    case invalidAddress
    /// The system refused for another reason, or libmicrohttpd did not start.
    case failed
  }

  /// The kind of failure.
  public let code: Code
  /// The address and the reason, for an operator.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// Where a listener listens.
public enum ListenerAddress: Sendable, Equatable {
  /// 127.0.0.1 on a port; 0 takes a free one.
  case loopback(Int)
  /// A host name or address, and a port; 0 takes a free one.
  case tcp(String, Int)
  /// A Unix domain socket at a path, readable and writable by the owner alone.
  case unix(String)
}
