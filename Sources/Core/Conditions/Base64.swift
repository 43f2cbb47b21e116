internal import Foundation

/// Base64 (RFC 4648, section 4), with padding.
enum Base64 {
  /// The bytes; nil where the text is no base64.
  static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }
}
