import Cryptography
import Governance
import JSON

/// A personal value and its salt, as they lie beside the log, from where they can be deleted.
struct PersonalRow: Hashable, Sendable {
  /// The event whose body holds the digest.
  var position: Int64
  /// The entity that the attribute belongs to.
  var entity: Entity
  /// The attribute's name.
  var name: String
  /// Sixteen random bytes.
  var salt: [UInt8]
  /// The value as canonical JSON.
  var value: String
}

/// Keeps personal values out of the log: a body carries SHA-256(salt ‖ canonical value).
enum Sealing {
  /// Bytes of a salt: 128 bits, so that a digest says nothing even about a value that could be guessed.
  static let saltBytes = 16

  /// The digest that stands in a body for a value.
  static func digest(salt: [UInt8], value: [UInt8]) -> Digest { SHA256.digest(of: [salt, value]) }

  /// The change with its personal values replaced by digests; the values and salts are added to `rows`.
  static func seal(
    _ change: Change, at position: Int64, randomness: Randomness, into rows: inout [PersonalRow]
  ) -> Change {
    var attributes = change.attributes
    if attributes.isEmpty { return change }
    // A null takes the attribute away: it says nothing about a person.
    let personal = attributes.filter { isOpenPersonal($0.key, $0.value) }
    guard !personal.isEmpty else { return change }
    for (name, value) in personal.sorted(by: { $0.key.precedes($1.key) }) {
      guard case .open(let open) = value else { continue }
      let salt = randomness(saltBytes)
      let canonical = open.canonicalBytes()
      attributes[name] = .sealed(digest(salt: salt, value: canonical).hexadecimal)
      rows.append(
        PersonalRow(
          position: position, entity: change.entity, name: name, salt: salt, value: String(decoding: canonical, as: UTF8.self)))
    }
    return change.with(attributes: attributes)
  }

  /// Whether the value is personal and still in the open.
  static func isOpenPersonal(_ name: String, _ value: AttributeValue) -> Bool {
    guard PersonalAttributes.contains(name), case .open(let open) = value else { return false }
    return !open.isNull
  }

  /// Refuses digests from a caller: they would stand for values that nobody holds.
  static func refuseSealed(_ change: Change) throws(Refusal) {
    for (name, value) in change.attributes {
      guard case .sealed = value else { continue }
      throw Refusal(
        .malformed, "must be a value; its digest is made when it is recorded",
        at: JSONPointer.child(name, of: "/attributes"))
    }
  }
}

extension Change {
  /// The attributes that the change writes; empty where its type has none.
  var attributes: [String: AttributeValue] {
    switch self {
    case .identityRegistered(_, _, let attributes), .groupCreated(_, let attributes), .roleDefined(_, _, let attributes),
      .policyDefined(_, _, let attributes), .resourceDescribed(_, let attributes), .sourceRegistered(_, let attributes),
      .credentialIssued(_, _, let attributes):
      attributes
    default: [:]
    }
  }

  /// The change with other attributes; itself where its type has none.
  func with(attributes: [String: AttributeValue]) -> Change {
    switch self {
    case .identityRegistered(let id, let kind, _): .identityRegistered(id: id, kind: kind, attributes: attributes)
    case .groupCreated(let id, _): .groupCreated(id: id, attributes: attributes)
    case .roleDefined(let id, let document, _): .roleDefined(id: id, document: document, attributes: attributes)
    case .policyDefined(let id, let policy, _): .policyDefined(id: id, policy: policy, attributes: attributes)
    case .resourceDescribed(let path, _): .resourceDescribed(path: path, attributes: attributes)
    case .sourceRegistered(let id, _): .sourceRegistered(id: id, attributes: attributes)
    case .credentialIssued(let id, let document, _): .credentialIssued(id: id, document, attributes: attributes)
    default: self
    }
  }
}
