internal import COpenSSL

/// HMAC (RFC 2104): what only who knows the key can compute of a message.
public enum HMAC {
  /// The 32 bytes of HMAC-SHA-256.
  ///
  /// The corresponding C function is `EVP_Q_mac`.
  ///
  /// - Precondition: the key is not empty; OpenSSL takes an empty one for none.
  public static func sha256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    precondition(!key.isEmpty, "a message is authenticated with a key")
    var code = [UInt8](repeating: 0, count: Digest.byteCount)
    var count = 0
    let isMade = unsafe code.withUnsafeMutableBufferPointer { output in
      unsafe key.withUnsafeBytes { key in
        unsafe message.withUnsafeBytes { message in
          unsafe EVP_Q_mac(
            nil, "HMAC", nil, "SHA256", nil, key.baseAddress, key.count,
            message.bindMemory(to: UInt8.self).baseAddress, message.count, output.baseAddress, output.count, &count) != nil
        }
      }
    }
    precondition(isMade && count == Digest.byteCount, "OpenSSL refused to compute an HMAC")
    return code
  }
}
