/// The binary form of arrays of one dimension (`array_send`): dimensions, has-NULL, element type; length and first index; elements.
enum ArrayBinary {
  /// The array types of the element types that this module reads.
  private static let arrayTypes: Set<UInt32> = [
    1000, 1001, 1016, 1005, 1007, 1009, 1022, 1185, 2951, 3807, 3911, 199 /* json */, 1003 /* name */, 1015 /* varchar */,
    1014, /* bpchar */
  ]

  static func isArray(_ type: UInt32) -> Bool { arrayTypes.contains(type) }

  static func append<T: PostgresValue>(_ values: some Collection<T?>, to bytes: inout [UInt8]) throws(PostgresError) {
    try appendHeader(count: values.count, hasNull: values.contains { $0 == nil }, element: T.postgresType, to: &bytes)
    for value in values { try bytes.appendField(value) }
  }

  /// What stands before the elements.
  static func appendHeader(
    count: Int, hasNull: Bool, element: PostgresType, to bytes: inout [UInt8]
  ) throws(PostgresError) {
    guard let length = Int32(exactly: count) else {
      throw PostgresError(.badValue, "an array of \(count) elements is too long")
    }
    bytes.append(bigEndian: Int32(length == 0 ? 0 : 1))
    bytes.append(bigEndian: Int32(hasNull ? 1 : 0))
    bytes.append(bigEndian: element.oid)
    guard length > 0 else { return }
    bytes.append(bigEndian: length)
    bytes.append(bigEndian: Int32(1))
  }

  static func decode<T: PostgresValue>(_ binary: RawSpan, of type: T.Type) throws(PostgresError) -> [T?] {
    let dimensions = try binary.bigEndian(Int32.self, at: 0)
    let elementType = try binary.bigEndian(UInt32.self, at: 8)
    if dimensions == 0 { return [] }
    guard dimensions == 1 else { throw PostgresError(.badValue, "an array of \(dimensions) dimensions cannot be read") }
    let count = try binary.bigEndian(Int32.self, at: 12)
    // Every element has at least its length: a count that the bytes cannot hold would reserve memory for nothing.
    guard count >= 0, Int(count) <= binary.byteCount / 4 else {
      throw PostgresError(.protocolViolation, "an array's length is more than its bytes hold")
    }
    var values: [T?] = []
    values.reserveCapacity(Int(count))
    var offset = 20
    for _ in 0..<count {
      let length = Int(try binary.bigEndian(Int32.self, at: offset))
      offset += 4
      guard length >= 0 else {
        values.append(nil)
        continue
      }
      guard length <= binary.byteCount - offset else {
        throw PostgresError(.protocolViolation, "an array's element ends after the array")
      }
      values.append(try T(binary: binary.extracting(offset..<offset + length), type: elementType))
      offset += length
    }
    return values
  }

  /// Elements that must all be there.
  static func withoutNulls<T>(_ values: [T?]) throws(PostgresError) -> [T] {
    var present: [T] = []
    present.reserveCapacity(values.count)
    for value in values {
      guard let value else { throw PostgresError(.badValue, "an array holds NULL where none was expected") }
      present.append(value)
    }
    return present
  }
}
