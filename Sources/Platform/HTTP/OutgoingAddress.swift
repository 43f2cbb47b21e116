public import Foundation

/// An address that requests may be sent to: https anywhere, plain http to this machine only.
///
/// What can be written differently for two readers of URLs is refused, so that what was checked is what is connected to. A name
/// that resolves to a machine within the network is allowed: receivers often stand there, and who may name one is the
/// caller's matter.
public struct OutgoingAddress: Hashable, Sendable {
  /// Bytes of an address: longer ones are cut by servers and proxies on the way.
  public static let maximumBytes = 2048
  /// Names of this machine, to which nobody else listens.
  private static let loopback: Set<String> = ["localhost", "127.0.0.1", "::1"]

  /// The URL.
  public let url: URL

  /// Checks an address.
  ///
  /// - Throws: ``OutgoingAddressError``, which does not hold the address: it may carry a token.
  public init(_ text: String) throws(OutgoingAddressError) {
    guard text.utf8.count <= Self.maximumBytes else {
      throw OutgoingAddressError("must be at most \(Self.maximumBytes) bytes")
    }
    let forbidden = Set("\\\"<>^`{|}".utf8)
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }),
      let url = URL(string: text, encodingInvalidCharacters: false), let host = url.host(percentEncoded: false), !host.isEmpty
    else { throw OutgoingAddressError("must be an absolute URL, percent-encoded, with a host") }
    guard url.user(percentEncoded: true) == nil, url.password(percentEncoded: true) == nil else {
      throw OutgoingAddressError("must not hold a user or a password")
    }
    guard url.fragment(percentEncoded: true) == nil else { throw OutgoingAddressError("must not have a fragment") }
    guard url.port.map({ (1...Int(UInt16.max)).contains($0) }) ?? true else {
      throw OutgoingAddressError("must have a port between 1 and \(UInt16.max), or none")
    }
    switch url.scheme?.lowercased() {
    case "https": break
    case "http" where Self.loopback.contains(host.lowercased()): break
    default: throw OutgoingAddressError("must begin with https://; plain http goes to localhost, 127.0.0.1 and [::1] only")
    }
    self.url = url
  }
}

/// What is wrong with an address.
public struct OutgoingAddressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What it must be instead.
  public let description: String

  init(_ description: String) { self.description = description }
}
