public import AccessGraph
public import Memory
import Governance
import Temporal

extension EventOutline {
  /// Reads a body that has exactly the form in which ``EventCodec`` writes the usual events; nil for every other.
  ///
  /// What is read so means what ``EventCodec/decode(_:at:)`` gives, which stays the judge of whatever is not: unknown members,
  /// other types and versions, conditions, escapes, a different order or spelling. Allocates nothing; O(bytes).
  public init?(scanning body: ByteSpan) {
    guard body.count <= Limits.bodyBytes, let (type, end) = ScannedType.find(atEndOf: body) else { return nil }
    var scan = EventScan()
    scan.skipToData(body)
    guard scan.isSound, let change = scan.change(of: type, body) else { return nil }
    let due = scan.accepts(",\"due_at\":\"", body) ? scan.instant(body) : Int64.max
    scan.expect(",\"effective_at\":\"", body)
    let effective = scan.instant(body)
    scan.entity(of: type, change.entityID, body)
    scan.id(",\"event_id\":\"", body)
    scan.expect(",\"position\":", body)
    let position = scan.integer(body)
    if scan.accepts(",\"reason\":\"", body) { scan.skipReason(body) }
    scan.expect(",\"recorded_at\":\"", body)
    let recorded = scan.instant(body)
    scan.id(",\"recorded_by\":{\"authentication\":\"", body)
    scan.id(",\"id\":\"", body)
    scan.expect("}", body)
    let source = scan.id(",\"source\":\"", body)
    scan.skipTicket(body)
    guard scan.isSound, scan.index == end, scan.isUTF8(body) else { return nil }
    self.init(position: position, effective: effective, due: due, recorded: recorded, source: source, change: change)
  }
}

/// The event types that are scanned: those that logs are full of.
private enum ScannedType {
  case membershipAdded, membershipRemoved, assignmentGranted, assignmentExtended, assignmentRevoked
  case identityRegistered, identitySuspended, identityResumed, identityRetired, identityLinked, identityUnlinked
  case groupCreated, groupDeleted

  /// The type, which stands last but for the version, and where its member begins; data cannot be read without it.
  static func find(atEndOf body: ByteSpan) -> (type: ScannedType, start: Int)? {
    let version: StaticString = "\",\"version\":1}"
    let end = body.count - version.utf8CodeUnitCount
    guard end > 0, body.holds(version, at: end), areOfFirstVersion else { return nil }
    // In the order of how many there usually are.
    for (type, member) in members {
      let start = end - member.utf8CodeUnitCount
      if start > 0, body.holds(member, at: start) { return (type, start) }
    }
    return nil
  }

  /// A type that has a second version is to be upcast, and no more to be scanned like this.
  private static let areOfFirstVersion = members.allSatisfy { _, member in
    EventCodec.currentVersion(of: String(describing: member).split(separator: "\"").last.map(String.init) ?? "") == 1
  }

  private static let members: [(ScannedType, StaticString)] = [
    (.membershipAdded, ",\"type\":\"membership.added"), (.assignmentGranted, ",\"type\":\"assignment.granted"),
    (.membershipRemoved, ",\"type\":\"membership.removed"), (.assignmentRevoked, ",\"type\":\"assignment.revoked"),
    (.identityRegistered, ",\"type\":\"identity.registered"), (.identityRetired, ",\"type\":\"identity.retired"),
    (.assignmentExtended, ",\"type\":\"assignment.extended"), (.identitySuspended, ",\"type\":\"identity.suspended"),
    (.identityResumed, ",\"type\":\"identity.resumed"), (.identityLinked, ",\"type\":\"identity.linked"),
    (.identityUnlinked, ",\"type\":\"identity.unlinked"), (.groupCreated, ",\"type\":\"group.created"),
    (.groupDeleted, ",\"type\":\"group.deleted"),
  ]
}

extension ChangeOutline {
  /// The id of the entity that the event is filed under.
  fileprivate var entityID: ByteRange {
    switch self {
    case .identityRegistered(let id, _, _), .identitySuspended(let id), .identityResumed(let id), .identityRetired(let id),
      .identityLinked(let id, _), .identityUnlinked(let id), .groupCreated(let id, _), .groupDeleted(let id),
      .membershipAdded(let id, _, _), .membershipRemoved(let id, _), .assignmentGranted(let id, _, _, _, _),
      .assignmentExtended(let id, _), .assignmentRevoked(let id):
      id
    }
  }
}

/// The place reached in a body, and whether everything up to it was as expected.
///
/// A step that does not find what it expects says so in `isSound`, and the steps after it may read anything; whoever scans
/// looks once at the end. Every string must be free of escapes, control characters and DEL, which is more than JSON asks for.
private struct EventScan {
  private(set) var index = 0
  private(set) var isSound = true
  private var isASCII = true

  /// Moves past a literal; false where it does not stand here.
  @inline(__always)
  mutating func accepts(_ literal: StaticString, _ body: ByteSpan) -> Bool {
    guard body.holds(literal, at: index) else { return false }
    index += literal.utf8CodeUnitCount
    return true
  }

  @inline(__always)
  mutating func expect(_ literal: StaticString, _ body: ByteSpan) {
    if !accepts(literal, body) { isSound = false }
  }

  /// Whether the body is UTF-8, where that is not clear from its being ASCII.
  func isUTF8(_ body: ByteSpan) -> Bool { isASCII || (try? UTF8Span(validating: body)) != nil }

  // MARK: Strings

  /// Moves to the next byte that is not plain text: a quote, an escape, a control character.
  private mutating func skipPlain(_ body: ByteSpan) {
    // A body ends with more than a word after its last string, so that a string that reaches into it is none.
    while index <= body.count - 8 {
      let word = body.word(at: index)
      let special = Self.special(in: word)
      guard special != 0 else {
        isASCII = isASCII && word & Self.highBits == 0
        index += 8
        continue
      }
      let bits = special.trailingZeroBitCount & ~7
      isASCII = isASCII && word & ((1 << UInt64(bits)) &- 1) & Self.highBits == 0
      index += bits >> 3
      return
    }
    isSound = false
  }

  private static let lowBits: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The high bit of the first byte that is a quote, a backslash, DEL or below a space, perhaps with bits of later bytes.
  private static func special(in word: UInt64) -> UInt64 {
    // Below a space: subtracting it borrows. Equal to a byte: the difference to it is below one. Bytes beyond ASCII are plain.
    func below(_ difference: UInt64, _ bound: UInt64) -> UInt64 { (difference &- bound &* lowBits) & ~difference & highBits }
    return below(word, 0x20) | below(word ^ 0x22 &* lowBits, 1) | below(word ^ 0x5C &* lowBits, 1)
      | below(word ^ 0x7F &* lowBits, 1)
  }

  /// A string from after its first quote to past its last one.
  private mutating func text(atMost limit: Int, _ body: ByteSpan) -> ByteRange {
    let start = index
    skipPlain(body)
    guard isSound, body[index] == UInt8(ascii: "\""), index - start <= limit else {
      isSound = false
      return ByteRange(0, 0)
    }
    index += 1
    return ByteRange(UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: index - 1))
  }

  /// A literal that ends with a quote, and the id after it.
  @inline(__always)
  @discardableResult
  mutating func id(_ literal: StaticString, _ body: ByteSpan) -> ByteRange {
    expect(literal, body)
    return id(body)
  }

  @discardableResult
  private mutating func id(_ body: ByteSpan) -> ByteRange {
    let id = text(atMost: Limits.identifierBytes, body)
    if id.start == id.end { isSound = false }
    return id
  }

  @inline(__always)
  private mutating func skipOptionalID(_ literal: StaticString, _ body: ByteSpan) {
    if accepts(literal, body) { id(body) }
  }

  /// An identity or a group.
  private mutating func principal(_ body: ByteSpan) -> EntityOutline {
    if accepts("identity:", body) { return EntityOutline(kind: .identity, id: id(body)) }
    expect("group:", body)
    return EntityOutline(kind: .group, id: id(body))
  }

  private mutating func path(_ body: ByteSpan) -> ByteRange {
    let path = text(atMost: Limits.pathBytes, body)
    let offsets = path.offsets
    let slash = UInt8(ascii: "/")
    var segments = 1
    var previous = slash
    for offset in offsets {
      let byte = body[offset]
      if byte == UInt8(ascii: "*"), offsets.count > 1 { isSound = false }
      if byte == slash {
        segments += 1
        if previous == slash { isSound = false }
      }
      previous = byte
    }
    if previous == slash || segments > Limits.pathSegments { isSound = false }
    return path
  }

  // MARK: Numbers and instants

  /// A positive integer that a double can hold.
  mutating func integer(_ body: ByteSpan) -> Int64 {
    let start = index
    var value: Int64 = 0
    while index < body.count, index - start < Self.digitsOfInteger {
      let digit = body[index] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      value = value * 10 + Int64(digit)
      index += 1
    }
    if index == start || body[start] == UInt8(ascii: "0") || value >= 1 << 53 { isSound = false }
    return value
  }

  /// Digits of 2^53: more are no integer of ours.
  private static let digitsOfInteger = 16

  /// An instant in the 27 bytes in which they are written, and the quote after it.
  mutating func instant(_ body: ByteSpan) -> Int64 {
    guard index <= body.count - 28 else {
      isSound = false
      return 0
    }
    // What a digit's byte differs from that of 0 in is its value.
    let date = body.word(at: index) ^ 0x2D30_302D_3030_3030  // 0000-00-
    let time = body.word(at: index + 8) ^ 0x3030_3A30_3054_3030  // 00T00:00
    let second = body.word(at: index + 16) ^ 0x3030_3030_2E30_303A  // :00.0000
    let fraction = body.word(at: index + 20) ^ 0x225A_3030_3030_3030  // 000000Z"
    let strange =
      Self.strange(date, 0xFF00_00FF_0000_0000) | Self.strange(time, 0x0000_FF00_00FF_0000)
      | Self.strange(second, 0x0000_0000_FF00_00FF) | Self.strange(fraction, 0xFFFF_0000_0000_0000)
    func two(_ word: UInt64, _ place: UInt64) -> Int { Int(word >> (8 * place) & 15) * 10 + Int(word >> (8 * place + 8) & 15) }
    let (hours, minutes, seconds) = (two(time, 3), two(time, 6), two(second, 1))
    guard strange == 0, hours < 24, minutes < 60, seconds < 60 else {
      isSound = false
      return 0
    }
    let micros = Int64(two(fraction, 0) * 10_000 + two(fraction, 2) * 100 + two(fraction, 4))
    let rest = Int64(hours * 3600 + minutes * 60 + seconds) * 1_000_000 + micros
    let instant = Instant(
      year: two(date, 0) * 100 + two(date, 2), month: two(date, 5), day: two(time, 0), microsecondOfDay: rest)
    if instant == nil { isSound = false }
    index += 28
    return instant?.microseconds ?? 0
  }

  /// Not zero where a byte is no digit, or one between digits is not the one that is expected.
  private static func strange(_ word: UInt64, _ between: UInt64) -> UInt64 {
    (word | (word &+ 6 &* lowBits)) & 0xF0F0_F0F0_F0F0_F0F0 | word & between
  }

  /// An end that may be absent, as a first member of data.
  private mutating func leadingEnd(_ body: ByteSpan) -> Int64 {
    guard accepts("\"expires_at\":\"", body) else { return .max }
    defer { expect(",", body) }
    return instant(body)
  }
}

// MARK: What the graph does not need

extension EventScan {
  /// The members before `data`, and the beginning of that.
  mutating func skipToData(_ body: ByteSpan) {
    expect("{", body)
    if accepts("\"actor\":{\"id\":\"", body) {
      id(body)
      skipOptionalID(",\"on_behalf_of\":\"", body)
      expect("},", body)
    }
    if accepts("\"authorised_by\":{\"approver\":\"", body) { skipApproval(body) }
    expect("\"basis\":\"", body)
    if !accepts("observed\",", body), !accepts("declared\",", body) { expect("enforced\",", body) }
    if accepts("\"command_id\":\"", body) {
      id(body)
      expect(",", body)
    }
    if accepts("\"correlation_id\":\"", body) {
      id(body)
      expect(",", body)
    }
    expect("\"data\":{", body)
  }

  private mutating func skipApproval(_ body: ByteSpan) {
    id(body)
    if accepts(",\"at\":\"", body) { _ = instant(body) }
    skipOptionalID(",\"reference\":\"", body)
    if !accepts(",\"verified\":false},", body) { expect(",\"verified\":true},", body) }
  }

  /// The rest of a reason, in which people write quotes and new lines.
  mutating func skipReason(_ body: ByteSpan) {
    let start = index
    while isSound {
      skipPlain(body)
      guard isSound, index - start <= Limits.reasonBytes else { break }
      if body[index] == UInt8(ascii: "\"") {
        index += 1
        return
      }
      // The last members have more bytes than an escape.
      guard body[index] == UInt8(ascii: "\\"), Self.escapes(body[index + 1]) else { break }
      index += 2
    }
    isSound = false
  }

  private static func escapes(_ letter: UInt8) -> Bool {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
      UInt8(ascii: "t"):
      true
    default: false
    }
  }

  mutating func skipTicket(_ body: ByteSpan) {
    guard accepts(",\"ticket\":{\"key\":\"", body) else { return }
    id(body)
    id(",\"system\":\"", body)
    skipOptionalID(",\"url\":\"", body)
    expect("}", body)
  }

  /// The member `entity`, which repeats what the data is about.
  mutating func entity(of type: ScannedType, _ id: ByteRange, _ body: ByteSpan) {
    switch type {
    case .identityRegistered, .identitySuspended, .identityResumed, .identityRetired, .identityLinked, .identityUnlinked:
      expect(",\"entity\":\"identity:", body)
    case .groupCreated, .groupDeleted, .membershipAdded, .membershipRemoved: expect(",\"entity\":\"group:", body)
    case .assignmentGranted, .assignmentExtended, .assignmentRevoked: expect(",\"entity\":\"assignment:", body)
    }
    guard body.repeats(id.offsets, at: index) else {
      isSound = false
      return
    }
    index += id.offsets.count
    expect("\"", body)
  }
}

// MARK: Data

extension EventScan {
  /// The rest of `data`, with its end.
  mutating func change(of type: ScannedType, _ body: ByteSpan) -> ChangeOutline? {
    let change: ChangeOutline
    switch type {
    case .membershipAdded, .membershipRemoved, .assignmentGranted, .assignmentExtended: change = grant(type, body)
    case .identityRegistered:
      let attributes = leadingAttributes(body)
      let id = id("\"id\":\"", body)
      expect(",\"kind\":\"", body)
      guard let kind = kind(body) else { return nil }
      change = .identityRegistered(id: id, kind: kind, attributes: attributes)
    case .identitySuspended: change = .identitySuspended(id: id("\"id\":\"", body))
    case .identityResumed: change = .identityResumed(id: id("\"id\":\"", body))
    case .identityRetired: change = .identityRetired(id: id("\"id\":\"", body))
    case .identityLinked:
      let account = id("\"account\":\"", body)
      change = .identityLinked(account: account, person: id(",\"person\":\"", body))
    case .identityUnlinked: change = .identityUnlinked(account: id("\"account\":\"", body))
    case .groupCreated:
      let attributes = leadingAttributes(body)
      change = .groupCreated(id: id("\"id\":\"", body), attributes: attributes)
    case .groupDeleted: change = .groupDeleted(id: id("\"id\":\"", body))
    case .assignmentRevoked: change = .assignmentRevoked(id: id("\"id\":\"", body))
    }
    expect("}", body)
    return isSound ? change : nil
  }

  private mutating func grant(_ type: ScannedType, _ body: ByteSpan) -> ChangeOutline {
    if type == .assignmentExtended {
      let isOpen = accepts("\"expires_at\":null,", body)
      let end = isOpen ? Int64.max : leadingEnd(body)
      // Without the member it would mean the same, but is not how it is written.
      if !isOpen, end == .max { isSound = false }
      return .assignmentExtended(id: id("\"id\":\"", body), expires: end)
    }
    let end = type == .membershipRemoved ? Int64.max : leadingEnd(body)
    let id = type == .assignmentGranted ? id("\"id\":\"", body) : id("\"group\":\"", body)
    if type == .assignmentGranted { expect(",\"principal\":\"", body) } else { expect(",\"member\":\"", body) }
    let principal = principal(body)
    switch type {
    case .membershipAdded: return .membershipAdded(group: id, member: principal, expires: end)
    case .membershipRemoved: return .membershipRemoved(group: id, member: principal)
    default:
      let role = self.id(",\"role\":\"", body)
      expect(",\"scope\":\"", body)
      return .assignmentGranted(id: id, principal: principal, role: role, scope: path(body), expires: end)
    }
  }

  private mutating func kind(_ body: ByteSpan) -> IdentityKind? {
    if accepts("person\"", body) { return .person }
    if accepts("account\"", body) { return .account }
    if accepts("service\"", body) { return .service }
    if accepts("external\"", body) { return .external }
    if accepts("workload\"", body) { return .workload }
    if accepts("agent\"", body) { return .agent }
    if accepts("assumable_role\"", body) { return .assumableRole }
    return accepts("placeholder\"", body) ? .placeholder : nil
  }

  /// Attributes that may be absent, as a first member of data.
  private mutating func leadingAttributes(_ body: ByteSpan) -> AttributeOutlines {
    var found = AttributeOutlines()
    guard accepts("\"attributes\":{", body) else { return found }
    var last: ByteRange?
    repeat {
      expect("\"", body)
      let name = attributeName(after: last, body)
      expect(":", body)
      guard isSound, index < body.count else { break }
      guard let attribute = attribute(name, body), found.append(attribute) else {
        isSound = false
        break
      }
      last = name
    } while isSound && accepts(",", body)
    expect("},", body)
    return found
  }

  /// A name in ASCII and after the one before it: so no two are the same, in whatever Unicode form.
  private mutating func attributeName(after last: ByteRange?, _ body: ByteSpan) -> ByteRange {
    let wasASCII = isASCII
    isASCII = true
    let name = text(atMost: Limits.attributeNameBytes, body)
    if !isASCII || name.start == name.end { isSound = false }
    isASCII = wasASCII
    if let last, isSound {
      let places = zip(last.offsets, name.offsets)
      let difference = places.first { body[$0.0] != body[$0.1] }
      let ascends = difference.map { body[$0.0] < body[$0.1] } ?? (last.offsets.count < name.offsets.count)
      if !ascends { isSound = false }
    }
    return name
  }

  private mutating func attribute(_ name: ByteRange, _ body: ByteSpan) -> AttributeOutline? {
    let start = index
    if accepts("{\"sha256\":\"", body) {
      let digest = text(atMost: Self.digestDigits, body)
      expect("}", body)
      guard isSound, digest.offsets.count == Self.digestDigits, digest.offsets.allSatisfy({ Self.isDigit(body[$0]) }) else {
        return nil
      }
      return AttributeOutline(name: name, value: digest, isSealed: true)
    }
    value(body)
    guard isSound, index - start <= Limits.attributeValueBytes else { return nil }
    let value = ByteRange(UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: index))
    return AttributeOutline(name: name, value: value, isSealed: false)
  }

  /// Hexadecimal digits of a SHA-256.
  private static let digestDigits = 64

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 6
  }

  /// A string, an integer, a boolean, null or a list of strings.
  private mutating func value(_ body: ByteSpan) {
    switch body[index] {
    case UInt8(ascii: "\""):
      index += 1
      _ = text(atMost: Limits.attributeValueBytes, body)
    case UInt8(ascii: "["):
      index += 1
      if accepts("]", body) { return }
      repeat {
        expect("\"", body)
        _ = text(atMost: Limits.attributeValueBytes, body)
      } while isSound && accepts(",", body)
      expect("]", body)
    case UInt8(ascii: "t"): expect("true", body)
    case UInt8(ascii: "f"): expect("false", body)
    case UInt8(ascii: "n"): expect("null", body)
    case UInt8(ascii: "0"): index += 1
    default:
      _ = accepts("-", body)
      _ = integer(body)
    }
  }
}
