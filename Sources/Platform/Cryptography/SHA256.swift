internal import COpenSSL

/// The 32 bytes of a SHA-256 digest.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// The number of bytes in every digest.
  public static let byteCount = 32

  /// The digest itself, always ``byteCount`` bytes.
  public let bytes: [UInt8]

  /// Takes a digest that was stored, or nothing where it does not have ``byteCount`` bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// Reads a digest from 64 hexadecimal digits, or answers nothing where they are not that.
  public init?(hexadecimal text: String) {
    guard let bytes = Hexadecimal.decode(text) else { return nil }
    self.init(bytes)
  }

  fileprivate init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  /// The digest in 64 lower-case hexadecimal digits.
  public var hexadecimal: String { Hexadecimal.encode(bytes) }

  /// The digest in 64 lower-case hexadecimal digits.
  public var description: String { hexadecimal }
}

/// The SHA-256 hash function (FIPS 180-4), of bytes that come piece by piece.
///
/// ```swift
/// var hash = SHA256()
/// hash.update(header)
/// hash.update(body)
/// let digest = hash.finalize()
/// ```
/// The corresponding C functions are `EVP_DigestInit_ex2`, `EVP_DigestUpdate` and `EVP_DigestFinal_ex`.
@safe public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  /// OpenSSL's implementation, fetched once: a fetch by name costs more than the digest of a short text.
  private static let algorithm: Algorithm = Algorithm()

  /// Holds the fetched implementation, which OpenSSL lets all threads share.
  @safe private struct Algorithm: @unchecked Sendable {
    let pointer: OpaquePointer

    init() {
      guard let fetched = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
        fatalError("this OpenSSL has no SHA-256; check its configuration and providers")
      }
      unsafe pointer = fetched
    }
  }

  /// Begins a digest.
  public init() {
    guard let created = unsafe EVP_MD_CTX_new() else { fatalError("there is no memory for a digest") }
    unsafe context = created
    Self.check(unsafe EVP_DigestInit_ex2(context, Self.algorithm.pointer, nil))
  }

  deinit {
    unsafe EVP_MD_CTX_free(context)
  }

  /// Adds bytes to what is digested.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { Self.check(unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)) }
  }

  /// Ends the digest.
  public consuming func finalize() -> Digest {
    var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
    unsafe bytes.withUnsafeMutableBufferPointer { Self.check(unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil)) }
    return Digest(unchecked: bytes)
  }

  /// The digest of some bytes.
  ///
  /// The corresponding C function is `EVP_Digest`.
  public static func digest(_ bytes: [UInt8]) -> Digest {
    var digest = [UInt8](repeating: 0, count: Digest.byteCount)
    unsafe digest.withUnsafeMutableBufferPointer { output in
      unsafe bytes.withUnsafeBytes { input in
        check(unsafe EVP_Digest(input.baseAddress, input.count, output.baseAddress, nil, algorithm.pointer, nil))
      }
    }
    return Digest(unchecked: digest)
  }

  /// The digest of the parts one after another, without joining them first.
  public static func digest(of parts: [[UInt8]]) -> Digest {
    var hash = SHA256()
    for part in parts { hash.update(part) }
    return hash.finalize()
  }

  /// Traps where OpenSSL reports a failure: with memory in place, hashing memory can only fail through a mistake of ours.
  private static func check(_ status: Int32) {
    precondition(status == 1, "OpenSSL refused to compute a SHA-256 digest")
  }
}
