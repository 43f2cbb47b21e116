public import Governance

/// A stretch of bytes of an event's body, half-open; what it holds needs no unescaping.
public struct ByteRange: Hashable, Sendable {
  /// The offset of the first byte.
  public var start: UInt32
  /// The offset after the last byte.
  public var end: UInt32

  /// A stretch.
  public init(_ start: UInt32, _ end: UInt32) {
    (self.start, self.end) = (start, end)
  }

  /// The same as a range of offsets.
  public var offsets: Range<Int> { Int(start)..<Int(end) }
}

/// What the graph needs of an event, by its place in the event's body: nothing is copied.
///
/// Only of the types that logs are full of, and only where the body has the usual form; all others are decoded whole. It means
/// exactly what the decoded event does.
public struct EventOutline: Sendable {
  /// The place in the log.
  public var position: Int64
  /// When the change took effect, in microseconds.
  public var effective: Int64
  /// Of a loss: when it should have; `Int64.max` where nothing is said.
  public var due: Int64
  /// When it was learnt of.
  public var recorded: Int64
  /// The source that its facts belong to.
  public var source: ByteRange
  /// What changed.
  public var change: ChangeOutline

  /// An outline.
  public init(position: Int64, effective: Int64, due: Int64, recorded: Int64, source: ByteRange, change: ChangeOutline) {
    self.position = position
    self.effective = effective
    self.due = due
    self.recorded = recorded
    self.source = source
    self.change = change
  }
}

/// What changed, as `Change` has it; an end is `Int64.max` where there is none.
public enum ChangeOutline: Sendable {
  case identityRegistered(id: ByteRange, kind: IdentityKind, attributes: AttributeOutlines)
  case identitySuspended(id: ByteRange)
  case identityResumed(id: ByteRange)
  case identityRetired(id: ByteRange)
  case identityLinked(account: ByteRange, person: ByteRange)
  case identityUnlinked(account: ByteRange)
  case groupCreated(id: ByteRange, attributes: AttributeOutlines)
  case groupDeleted(id: ByteRange)
  case membershipAdded(group: ByteRange, member: EntityOutline, expires: Int64)
  case membershipRemoved(group: ByteRange, member: EntityOutline)
  case assignmentGranted(id: ByteRange, principal: EntityOutline, role: ByteRange, scope: ByteRange, expires: Int64)
  case assignmentExtended(id: ByteRange, expires: Int64)
  case assignmentRevoked(id: ByteRange)
}

/// An entity in the form `kind:id`.
public struct EntityOutline: Hashable, Sendable {
  /// Identity or group.
  public var kind: EntityKind
  /// The id, without the kind.
  public var id: ByteRange

  /// An entity.
  public init(kind: EntityKind, id: ByteRange) {
    self.kind = kind
    self.id = id
  }
}

/// One attribute, in eight bytes: outlines are handed on by value.
public struct AttributeOutline: Hashable, Sendable {
  private var nameStart: UInt32
  private var nameCount: UInt8
  /// Whether the value is sealed.
  public private(set) var isSealed: Bool
  private var valueCount: UInt16

  /// Bytes between a name and an open value: a quote and a colon.
  private static let openGap: UInt32 = 2
  /// Bytes between a name and the digits of a sealed value: `":{"sha256":"`.
  private static let sealedGap: UInt32 = 13

  /// An attribute.
  ///
  /// - Precondition: name and value are within their limits, and the value stands right after the name.
  public init(name: ByteRange, value: ByteRange, isSealed: Bool) {
    let gap = isSealed ? Self.sealedGap : Self.openGap
    precondition(value.start == name.end + gap, "canonical JSON puts a value right after its name")
    nameStart = name.start
    nameCount = UInt8(name.end - name.start)
    self.isSealed = isSealed
    valueCount = UInt16(value.end - value.start)
  }

  /// The name, without quotes.
  public var name: ByteRange { ByteRange(nameStart, nameStart + UInt32(nameCount)) }

  /// In the open, the value as JSON, a string with its quotes; sealed, the digest's digits.
  public var value: ByteRange {
    let start = name.end + (isSealed ? Self.sealedGap : Self.openGap)
    return ByteRange(start, start + UInt32(valueCount))
  }

  /// Stands where nothing is yet.
  fileprivate init() { (nameStart, nameCount, isSealed, valueCount) = (0, 0, false, 0) }
}

/// The attributes that one event writes; a few, kept in place.
public struct AttributeOutlines: Sendable {
  /// As many as most sources give to an identity; an event with more is decoded whole.
  public static let capacity = 8

  private var items: InlineArray<8, AttributeOutline>
  /// How many there are.
  public var count: Int { Int(used) }
  private var used: UInt8 = 0

  /// No attributes.
  public init() {
    items = InlineArray(repeating: AttributeOutline())
  }

  /// Adds one at the end; the answer is whether there was room.
  public mutating func append(_ item: AttributeOutline) -> Bool {
    guard count < Self.capacity else { return false }
    items[count] = item
    used += 1
    return true
  }

  /// The attribute at that place, in the order of the names.
  ///
  /// - Precondition: the place is below `count`.
  public subscript(place: Int) -> AttributeOutline {
    precondition(place < count, "an attribute is one of those there are")
    return items[place]
  }
}
