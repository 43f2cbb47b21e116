import Glibc

/// A connection taken off the kernel's queue, not yet with a thread that serves it.
struct AcceptedConnection {
  let descriptor: Int32
  private let name: sockaddr_storage
  private let nameSize: socklen_t

  /// Takes over the descriptor, whose other end has that name.
  init(descriptor: Int32, name: sockaddr_storage, nameSize: socklen_t) {
    self.descriptor = descriptor
    self.name = name
    self.nameSize = nameSize
  }

  /// Who is connected; nil on a Unix socket, whose clients have no addresses.
  var address: ClientAddress? {
    unsafe withUnsafeBytes(of: name) { bytes in
      switch Int32(name.ss_family) {
      case AF_INET: unsafe ClientAddress(ipv4: bytes.load(as: sockaddr_in.self).sin_addr.s_addr)
      case AF_INET6: unsafe ClientAddress(ipv6: bytes.load(as: sockaddr_in6.self).sin6_addr)
      default: nil
      }
    }
  }

  /// Calls a function with the name of the other end as C takes it.
  func withName<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    unsafe withUnsafePointer(to: name) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, nameSize) }
    }
  }
}

/// An IP address, as the words of IPv6; an IPv4 address as its mapping, ::ffff:a.b.c.d.
struct ClientAddress: Hashable {
  private let words: SIMD4<UInt32>

  init(ipv4 word: UInt32) {
    words = SIMD4(0, 0, UInt32(0xffff).bigEndian, word)
  }

  init(ipv6 address: in6_addr) {
    words = unsafe unsafeBitCast(address, to: SIMD4<UInt32>.self)
  }
}
