/// Header fields in the order they were sent, found by name without regard to ASCII case.
///
/// All text lies in one buffer as `name NUL value NUL …`, so that reading a request costs two allocations whatever the
/// number of fields, and a response's fields are C strings already. Lookup is O(fields).
public struct Headers: Sendable {
  /// Where one field lies in `bytes`; each part is followed by a NUL.
  struct Field: Sendable {
    let name: Range<Int>
    let value: Range<Int>
  }

  private(set) var bytes: [UInt8] = []
  private(set) var fields: [Field] = []

  /// Makes an empty list.
  public init() {}

  /// The number of fields.
  public var count: Int { fields.count }

  /// Every field in order.
  public var all: [(name: String, value: String)] {
    fields.map { (text($0.name), text($0.value)) }
  }

  /// The first value of a name, or nil; bytes that are not UTF-8 read as U+FFFD.
  public subscript(name: String) -> String? {
    fields.first { isNamed($0, name) }.map { text($0.value) }
  }

  /// Every value of a name, in order.
  public func values(of name: String) -> [String] {
    fields.filter { isNamed($0, name) }.map { text($0.value) }
  }

  /// Adds a field after the others.
  ///
  /// A name or value holding CR, LF or NUL is kept, and the listener answers 500 instead of sending it.
  public mutating func append(_ name: String, _ value: String) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    bytes.append(0)
    bytes.append(contentsOf: value.utf8)
    bytes.append(0)
    addField(from: start, nameCount: name.utf8.count)
  }

  /// Replaces every field of that name by one, at the end.
  public mutating func set(_ name: String, _ value: String) {
    fields = fields.filter { !isNamed($0, name) }
    append(name, value)
  }

  /// Adds the field unless the name is there already.
  mutating func appendIfAbsent(_ name: String, _ value: String) {
    if !fields.contains(where: { isNamed($0, name) }) { append(name, value) }
  }

  /// Adds a field from raw bytes, as a request brings them.
  mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    let start = bytes.count
    unsafe bytes.append(contentsOf: name)
    bytes.append(0)
    unsafe bytes.append(contentsOf: value)
    bytes.append(0)
    addField(from: start, nameCount: name.count)
  }

  /// Fields that are usually added to those written down, and bytes of one: an answer is made without moving them.
  private static let fieldsAhead = 2
  private static let fieldBytes = 48

  /// Makes room once for the fields of an ordinary request.
  mutating func reserve(fields count: Int, bytes size: Int) {
    fields.reserveCapacity(count)
    bytes.reserveCapacity(size)
  }

  /// True where no name or value holds a byte that would end it early on the wire.
  var areSafeToSend: Bool {
    fields.allSatisfy { field in
      !field.name.isEmpty
        && bytes[field.name].allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        && bytes[field.value].allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
    }
  }

  private mutating func addField(from start: Int, nameCount: Int) {
    let nameEnd = start + nameCount
    fields.append(Field(name: start..<nameEnd, value: nameEnd + 1..<bytes.count - 1))
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private func isNamed(_ field: Field, _ name: String) -> Bool {
    guard field.name.count == name.utf8.count else { return false }
    return zip(bytes[field.name], name.utf8).allSatisfy { lowercase($0) == lowercase($1) }
  }

  private func lowercase(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}

extension Headers: ExpressibleByDictionaryLiteral {
  /// Makes a list from names and values, in the order written.
  public init(dictionaryLiteral elements: (String, String)...) {
    reserve(fields: elements.count + Self.fieldsAhead, bytes: (elements.count + Self.fieldsAhead) * Self.fieldBytes)
    for (name, value) in elements { append(name, value) }
  }
}
