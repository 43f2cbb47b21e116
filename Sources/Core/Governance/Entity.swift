public import Temporal

/// What can be an end of a fact: each kind is a word of its own.
public enum EntityKind: String, Hashable, Sendable, CaseIterable, BitwiseCopyable {
  case identity, group, role, assignment, policy, resource, source, event, request, credential, finding, review
}

/// One entity of a tenant: its kind and its id; ids are unique within a kind.
public struct Entity: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The kind of the entity.
  public let kind: EntityKind
  /// The id, unique within the kind; a pseudonym, never personal data.
  public let id: String

  /// Names an entity; nothing is checked here, `Limits` does that for commands.
  public init(_ kind: EntityKind, _ id: String) {
    self.kind = kind
    self.id = id
  }

  /// Reads the text form `kind:id`.
  public init?(text: String) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
      let kind = EntityKind(rawValue: String(text[..<colon]))
    else { return nil }
    // By bytes: a combining mark after the colon would make one Character of both.
    self.init(kind, String(text[text.utf8.index(after: colon)...]))
  }

  /// The text form `kind:id`.
  public var description: String { "\(kind.rawValue):\(id)" }

  /// Equal exactly if kind and bytes are: strings are not normalised, so canonically equivalent ids are two ids, as in SQL.
  public static func == (a: Entity, b: Entity) -> Bool { a.kind == b.kind && a.id.isExactly(b.id) }

  /// Orders by kind, then by the id's UTF-8 bytes, as PostgreSQL's "C" collation does.
  public static func < (a: Entity, b: Entity) -> Bool {
    a.kind == b.kind ? a.id.precedes(b.id) : a.kind.rawValue < b.kind.rawValue
  }

  /// An identity.
  public static func identity(_ id: String) -> Entity { Entity(.identity, id) }
  /// A group.
  public static func group(_ id: String) -> Entity { Entity(.group, id) }
  /// A role.
  public static func role(_ id: String) -> Entity { Entity(.role, id) }
  /// A policy.
  public static func policy(_ id: String) -> Entity { Entity(.policy, id) }
  /// A resource, its id being its path.
  public static func resource(_ path: String) -> Entity { Entity(.resource, path) }
  /// A source.
  public static func source(_ id: String) -> Entity { Entity(.source, id) }
  /// An access request.
  public static func request(_ id: String) -> Entity { Entity(.request, id) }
  /// A credential.
  public static func credential(_ id: String) -> Entity { Entity(.credential, id) }
  /// A finding.
  public static func finding(_ id: String) -> Entity { Entity(.finding, id) }
}

extension String {
  /// Whether both are the same UTF-8 bytes; Swift's `==` also equates canonically equivalent strings.
  public func isExactly(_ other: String) -> Bool {
    guard self == other else { return false }
    let (left, right) = (utf8Span, other.utf8Span)
    // What is equal and ASCII is equal byte by byte.
    if left.isKnownASCII, right.isKnownASCII { return true }
    guard left.count == right.count else { return false }
    for index in left.span.indices where left.span[index] != right.span[index] { return false }
    return true
  }

  /// Whether it comes before the other in the order of UTF-8 bytes.
  public func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}

/// What an identity is.
public enum IdentityKind: String, Hashable, Sendable, CaseIterable {
  case person, account, service, workload, agent
  case assumableRole = "assumable_role"
  case external
  /// Referred to by an observation and not otherwise known.
  case placeholder
}

/// A place in the fold: events apply in the order of (effective, position).
public struct Moment: Hashable, Sendable, Comparable {
  /// When the change took effect in the world.
  public let effective: Instant
  /// Its place in the log.
  public let position: Int64

  /// A place in the fold.
  public init(_ effective: Instant, _ position: Int64) {
    self.effective = effective
    self.position = position
  }

  /// Earlier effect first; at the same instant the earlier position first.
  public static func < (a: Moment, b: Moment) -> Bool {
    a.effective != b.effective ? a.effective < b.effective : a.position < b.position
  }
}
