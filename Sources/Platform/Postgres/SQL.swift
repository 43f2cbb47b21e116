/// A statement with its values bound: `"SELECT name FROM role WHERE id = \(id)"` sends `$1` and the value apart.
///
/// Text that is not a literal in the source comes in only through the word `unsafe`, or quoted as an identifier.
/// A value that PostgreSQL cannot hold is reported when the statement is run.
public struct SQL: ExpressibleByStringInterpolation, Sendable {
  /// The text that is sent, with `$1`, `$2`, … where values were.
  public private(set) var text: String
  /// The type of each parameter.
  private(set) var types: [UInt32] = []
  /// Where each parameter's binary form ends in `bytes`; `nil` for NULL.
  private var ends: [Int?] = []
  /// The parameters' binary forms, one after another.
  private var bytes: [UInt8] = []
  /// The first value that could not be encoded.
  private(set) var defect: PostgresError?

  /// The protocol counts parameters with sixteen bits.
  static let maximumParameters = 65_535

  /// A statement without values.
  public init(stringLiteral text: String) {
    self.text = text
    checkText()
  }

  /// A statement whose text was put together at run time; the caller answers for what is in it.
  public init(unsafeSQL text: String) {
    self.text = text
    checkText()
  }

  /// A statement with its values.
  public init(stringInterpolation: StringInterpolation) {
    self = stringInterpolation.statement
    checkText()
    if types.count > Self.maximumParameters, defect == nil {
      defect = PostgresError(.badValue, "a statement with \(types.count) values is over the limit of \(Self.maximumParameters)")
    }
  }

  private init(reserving capacity: Int) {
    text = ""
    text.reserveCapacity(capacity)
  }

  private mutating func checkText() {
    guard text.containsNUL, defect == nil else { return }
    defect = PostgresError(.badValue, "a statement's text contains a NUL character (U+0000)")
  }

  private mutating func bind(
    _ type: UInt32, isNull: Bool, _ encode: (inout [UInt8]) throws(PostgresError) -> Void
  ) {
    types.append(type)
    text += "$\(types.count)"
    guard !isNull else { return ends.append(nil) }
    let start = bytes.count
    do throws(PostgresError) {
      try encode(&bytes)
      if bytes.count - start > maximumFieldBytes {
        throw PostgresError(.badValue, "a value of \(bytes.count - start) bytes is over the limit of \(maximumFieldBytes)")
      }
    } catch {
      if defect == nil {
        defect = error
        defect?.message += ", in parameter $\(types.count)"
      }
    }
    ends.append(bytes.count)
  }

  /// Lends the parameters in the form that libpq takes them; the pointers are valid during the call only.
  func withParameters<R>(
    _ body: (
      Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) -> R
  ) -> R {
    // An empty array has no address, and to libpq a null pointer means NULL.
    let storage = bytes.isEmpty ? [0] : bytes
    return unsafe storage.withUnsafeBytes { raw in
      var values: [UnsafePointer<CChar>?] = unsafe []
      var lengths: [Int32] = []
      var start = 0
      for end in ends {
        if let end {
          unsafe values.append(raw.baseAddress.map { unsafe ($0 + start).assumingMemoryBound(to: CChar.self) })
          lengths.append(Int32(end - start))
          start = end
        } else {
          unsafe values.append(nil)
          lengths.append(0)
        }
      }
      let formats = [Int32](repeating: 1, count: ends.count)
      return unsafe body(Int32(ends.count), values, lengths, formats)
    }
  }

  /// Collects the literal parts and the values of a statement.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var statement: SQL

    /// Begins a statement.
    public init(literalCapacity: Int, interpolationCount: Int) {
      statement = SQL(reserving: literalCapacity + interpolationCount * 3)
    }

    /// Adds text from the source.
    public mutating func appendLiteral(_ literal: String) {
      statement.text += literal
    }

    /// Binds a value, or NULL for `nil`.
    public mutating func appendInterpolation<T: PostgresValue>(_ value: T?) {
      statement.bind(T.postgresType.oid, isNull: value == nil) { bytes throws(PostgresError) in
        try value?.appendBinary(to: &bytes)
      }
    }

    /// Binds an array, or NULL for `nil`.
    public mutating func appendInterpolation<T: PostgresValue>(_ values: [T]?) {
      statement.bind(T.postgresType.array, isNull: values == nil) { bytes throws(PostgresError) in
        try ArrayBinary.append((values ?? []).lazy.map(Optional.some), to: &bytes)
      }
    }

    /// Binds an array that may hold NULLs, or NULL for `nil`.
    public mutating func appendInterpolation<T: PostgresValue>(_ values: [T?]?) {
      statement.bind(T.postgresType.array, isNull: values == nil) { bytes throws(PostgresError) in
        try ArrayBinary.append(values ?? [], to: &bytes)
      }
    }

    /// Binds an array that was written element by element.
    public mutating func appendInterpolation(_ column: ArrayColumn) {
      statement.bind(column.type.array, isNull: false) { bytes throws(PostgresError) in try column.appendBinary(to: &bytes) }
    }

    /// Adds a name, quoted as an identifier.
    public mutating func appendInterpolation(identifier: String) {
      statement.text += SQL.quoted(identifier: identifier)
    }

    /// Adds text as it is; the caller answers for what is in it.
    public mutating func appendInterpolation(unsafe text: String) {
      statement.text += text
    }
  }

  /// A name in double quotes, with those within doubled (PostgreSQL, "Identifiers and Key Words").
  static func quoted(identifier: String) -> String {
    var quoted = "\""
    for character in identifier.unicodeScalars {
      if character == "\"" { quoted.unicodeScalars.append("\"") }
      quoted.unicodeScalars.append(character)
    }
    return quoted + "\""
  }
}
