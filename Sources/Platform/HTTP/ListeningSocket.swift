internal import CMicroHTTPD
import Glibc

/// A bound and listening socket.
///
/// We open it rather than libmicrohttpd, so that a refusal has its reason and a Unix socket its permissions.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  /// The port bound, 0 for a Unix socket.
  let port: Int
  /// The file of a Unix socket, to be removed at the end.
  let file: SocketFile?

  init(_ address: ListenerAddress) throws(ListenerError) {
    switch address {
    case .loopback(let port): self = try Self.tcp(host: "127.0.0.1", port: port)
    case .tcp(let host, let port): self = try Self.tcp(host: host, port: port)
    case .unix(let path): self = try Self.unix(path: path)
    }
  }

  private init(descriptor: Int32, port: Int, file: SocketFile?) {
    self.descriptor = descriptor
    self.port = port
    self.file = file
  }

  /// Gives the address free: connections are refused from now on, those not accepted are cut.
  func close() {
    Glibc.close(descriptor)
    file?.remove()
  }

  /// Takes the next connection off the kernel's queue; nil if none waits.
  ///
  /// - Throws: `ListenerError` if the system has no descriptor or memory for it.
  func accept() throws(ListenerError) -> AcceptedConnection? {
    while true {
      var name = sockaddr_storage()
      var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let accepted = unsafe shim_accept(descriptor, &name, &size)
      if accepted >= 0 { return AcceptedConnection(descriptor: accepted, name: name, nameSize: size) }
      switch errno {
      case EINTR, ECONNABORTED: continue  // aborted: the client went away before its turn came
      case EAGAIN: return nil
      default: throw Self.error(errno, "accept")
      }
    }
  }

  /// Binds the first of the host's addresses that can be bound.
  private static func tcp(host: String, port: Int) throws(ListenerError) -> ListeningSocket {
    guard (0...65535).contains(port) else { throw ListenerError(.invalidAddress, "port \(port) is not in 0…65535") }
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = streamSocket
    unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, "\(port)", &hints, &found) == 0 else {
      throw ListenerError(.invalidAddress, "host \(host) has no address")
    }
    defer { unsafe freeaddrinfo(found) }
    var failure = EADDRNOTAVAIL
    var next = unsafe found
    while let candidate = unsafe next {
      let descriptor = unsafe open(candidate.pointee.ai_family)
      var on: Int32 = 1
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
      if unsafe bind(descriptor, candidate.pointee.ai_addr, candidate.pointee.ai_addrlen) == 0,
        listen(descriptor, SOMAXCONN) == 0
      {
        return ListeningSocket(descriptor: descriptor, port: boundPort(descriptor), file: nil)
      }
      failure = errno
      Glibc.close(descriptor)
      unsafe next = candidate.pointee.ai_next
    }
    throw error(failure, "\(host):\(port)")
  }

  /// Binds a path; a socket there that nobody answers on is what a killed process left, and is replaced.
  private static func unix(path: String) throws(ListenerError) -> ListeningSocket {
    var name = sockaddr_un()
    let room = MemoryLayout.size(ofValue: name.sun_path) - 1
    guard !path.isEmpty, path.utf8.count <= room, !path.utf8.contains(0) else {
      throw ListenerError(.invalidAddress, "a socket's path has 1…\(room) bytes: \(path)")
    }
    name.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    try removeStale(path, name)
    let descriptor = open(AF_UNIX)
    // Nobody can connect between bind and listen, so there is no moment at which others could.
    guard unsafe withAddress(of: name, { unsafe bind(descriptor, $0, $1) }) == 0, unsafe chmod(path, 0o600) == 0,
      listen(descriptor, SOMAXCONN) == 0
    else {
      let failure = errno
      Glibc.close(descriptor)
      throw error(failure, path)
    }
    return ListeningSocket(descriptor: descriptor, port: 0, file: SocketFile(path: path))
  }

  private static func removeStale(_ path: String, _ name: sockaddr_un) throws(ListenerError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw ListenerError(.invalidAddress, "\(path) exists and is not a socket")
    }
    let probe = open(AF_UNIX)
    defer { Glibc.close(probe) }
    guard unsafe withAddress(of: name, { unsafe connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED else {
      throw ListenerError(.addressInUse, "another process listens on \(path)")
    }
    guard unsafe unlink(path) == 0 else { throw error(errno, path) }
  }

  private static let streamSocket = Int32(SOCK_STREAM.rawValue)

  private static func open(_ family: Int32) -> Int32 {
    socket(family, streamSocket | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
  }

  private static func withAddress(of name: sockaddr_un, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    unsafe withUnsafePointer(to: name) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// The port of an IPv4 or IPv6 socket; both keep it at the same offset.
  private static func boundPort(_ descriptor: Int32) -> Int {
    var name = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    _ = unsafe withUnsafeMutablePointer(to: &name) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
    }
    return Int(UInt16(bigEndian: name.sin6_port))
  }

  private static func error(_ code: Int32, _ address: String) -> ListenerError {
    let reason = unsafe String(cString: strerror(code))
    switch code {
    case EADDRINUSE: return ListenerError(.addressInUse, "\(address): \(reason)")
    case EACCES, EPERM: return ListenerError(.permissionDenied, "\(address): \(reason)")
    case EADDRNOTAVAIL, ENOENT, ENOTDIR: return ListenerError(.invalidAddress, "\(address): \(reason)")
    default: return ListenerError(.failed, "\(address): \(reason)")
    }
  }
}

/// A Unix socket's file, known by device and inode: a successor may have put its own at the path meanwhile.
struct SocketFile: Sendable {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  init?(path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    self.path = path
    device = status.st_dev
    inode = status.st_ino
  }

  /// Removes the file if it is still ours.
  func remove() {
    guard let now = SocketFile(path: path), now.device == device, now.inode == inode else { return }
    unsafe unlink(path)
  }
}
