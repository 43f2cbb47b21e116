/// Writes JSON straight into bytes, for answers too large to be built as values first.
///
/// Commas are put by the writer; the order of members is the caller's. Strings and numbers are written as RFC 8785 defines
/// them, and no space is added, so that members written in canonical order give a canonical document.
public struct JSONWriter: Sendable {
  /// What has been written and not taken.
  public private(set) var bytes: [UInt8]

  private var needsComma = false
  private var depth = 0

  /// Makes a writer with nothing in it.
  ///
  /// - Parameter capacity: the bytes to reserve. The default is none.
  public init(reserving capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// Takes what has been written so far, so that a long answer can be sent in pieces.
  public mutating func take() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: false) }
    return bytes
  }

  /// Begins an object; members follow as ``key(_:)`` and a value.
  public mutating func beginObject() { begin("{") }

  /// Ends the object begun last.
  public mutating func endObject() { end("}") }

  /// Begins an array.
  public mutating func beginArray() { begin("[") }

  /// Ends the array begun last.
  public mutating func endArray() { end("]") }

  /// Writes the name of a member, whose value must follow.
  public mutating func key(_ name: String) {
    separate()
    bytes.appendJSON(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes a string.
  public mutating func string(_ value: String) {
    separate()
    bytes.appendJSON(value)
  }

  /// Writes a string whose bytes the closure appends.
  ///
  /// It must append UTF-8 that needs no escaping, such as the digits of an instant; this is not checked.
  public mutating func plainString(_ append: (inout [UInt8]) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    append(&bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes an integer; beyond 2^53 - 1 it is written as the nearest double, as RFC 8785 demands.
  public mutating func integer(_ value: Int64) {
    separate()
    bytes.appendJSON(value)
  }

  /// The same of another kind of integer.
  public mutating func integer(_ value: some FixedWidthInteger) { integer(Int64(value)) }

  /// Writes a number.
  ///
  /// - Precondition: it is finite.
  public mutating func number(_ value: Double) {
    separate()
    bytes.appendJSON(value)
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// Writes `null`.
  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  /// Writes a value in canonical form.
  public mutating func value(_ value: JSONValue) {
    separate()
    bytes.appendJSON(value)
  }

  /// Writes a complete JSON value that is already text, such as a stored event; this is not checked.
  public mutating func rawJSON(_ json: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
  }

  /// Ends a line between two documents, as newline-delimited JSON does.
  ///
  /// - Precondition: every object and array is ended.
  public mutating func endLine() {
    precondition(depth == 0, "a line ends between documents")
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func begin(_ bracket: Unicode.Scalar) {
    separate()
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
    depth += 1
  }

  private mutating func end(_ bracket: Unicode.Scalar) {
    precondition(depth > 0, "an end needs a beginning")
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
    depth -= 1
  }
}
