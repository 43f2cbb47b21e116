internal import COpenSSL

/// Randomness that nobody can predict, for identifiers and tokens.
public enum SecureRandom {
  /// So many random bytes.
  ///
  /// Where the machine has no randomness to give this traps: nothing that follows would be safe.
  /// The corresponding C function is `RAND_bytes`.
  ///
  /// - Precondition: `count` is not negative.
  public static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let status = unsafe bytes.withUnsafeMutableBufferPointer { unsafe RAND_bytes($0.baseAddress, Int32($0.count)) }
    precondition(status == 1, "OpenSSL has no secure randomness to give")
    return bytes
  }
}
