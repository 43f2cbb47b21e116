import Cryptography
import EventLog
import FoundationEssentials

/// What a webhook's deliveries are signed with, as Standard Webhooks 1.0.0 has it.
///
/// Shown once, to whoever makes the webhook, by ``text``; printed in any other way it says nothing. It is not rotated: a second
/// webhook to the same address has a secret of its own, and the first is ended once the receiver knows it.
public struct SigningSecret: Sendable, CustomStringConvertible, CustomReflectable {
  /// Bytes of a secret; the specification asks for 24 to 64.
  public static let byteCount = 32

  let bytes: [UInt8]

  /// A new secret.
  init(_ randomness: Randomness) { bytes = randomness(Self.byteCount) }

  /// One that was stored.
  init(stored bytes: [UInt8]) { self.bytes = bytes }

  /// The secret itself, as receivers' libraries take it: `whsec_` and base64.
  public var text: String { "whsec_" + Data(bytes).base64EncodedString() }

  /// Not the secret.
  public var description: String { "whsec_…" }

  /// Not the secret: what is dumped ends in logs.
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// The header fields that tell a receiver that the body is ours, and when it was sent.
  ///
  /// - Parameters:
  ///   - id: the same for all attempts of a delivery.
  ///   - seconds: the time of this attempt, in seconds since the Unix epoch.
  func headers(id: String, seconds: Int64, body: [UInt8]) -> [(name: String, value: String)] {
    // INVARIANT: neither the id nor the time holds a full stop, or another body could stand behind the same signature.
    precondition(!id.utf8.contains(UInt8(ascii: ".")), "the id of a delivery is signed with a full stop behind it")
    let code = HMAC.sha256(Array("\(id).\(seconds).".utf8) + body, key: bytes)
    return [
      ("webhook-id", id), ("webhook-timestamp", "\(seconds)"),
      ("webhook-signature", "v1," + Data(code).base64EncodedString()),
    ]
  }
}
