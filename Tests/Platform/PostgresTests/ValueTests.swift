import Postgres
import Testing

@Suite struct ValueTests {
  let connection: Connection
  let moment = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)
  let early = Timestamp(microsecondsSinceUnixEpoch: -1)
  let uuid = UUIDBytes(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)

  init() throws { connection = try TestServer.connect() }

  @Test func `scalars come back as they went`() throws {
    let row = try #require(
      try connection.query(
        """
        SELECT \(true), \(Int16.min), \(Int32.max), \(Int64.min), \(42), \("Grüße 🌍 'x'"), \([0, 255, 10] as [UInt8]),
          \(moment), \(uuid), \(JSONText(#"{"a": 1}"#)), \(1.5), \(""), \([] as [UInt8])
        """
      ).first)
    #expect(try row.bool(0))
    #expect(try row.int16(1) == .min)
    #expect(try row.int32(2) == .max)
    #expect(try row.int64(3) == .min)
    #expect(try row.value(4, as: Int.self) == 42)
    #expect(try row.string(5) == "Grüße 🌍 'x'")
    #expect(try row.bytes(6) == [0, 255, 10])
    #expect(try row.timestamp(7) == moment)
    #expect(try row.uuid(8) == uuid)
    #expect(try row.value(9, as: JSONText.self).text == #"{"a": 1}"#)
    #expect(try row.string(9) == #"{"a": 1}"#)
    #expect(try row.double(10) == 1.5)
    #expect(try row.string(11) == "")
    #expect(try row.bytes(12) == [])
    #expect(try row.withBytes(6) { $0.byteCount } == 3)
  }

  @Test func `the server reads values as we mean them`() throws {
    let row = try #require(
      try connection.query(
        """
        SELECT \(moment) = '2023-11-14T22:13:20.123456Z', \(early) = '1969-12-31T23:59:59.999999Z', \(uuid)::text,
          \(TimestampRange(lower: early, upper: moment))::text, \([1, nil, 3] as [Int64?])::text, \(["a", "", "NULL"])::text
        """
      ).first)
    #expect(try row.bool(0))
    #expect(try row.bool(1))
    #expect(try row.string(2) == uuid.description)
    #expect(try row.string(3).hasPrefix("[\"1969-12-31 23:59:59.999999+00\",\"2023-11-14 22:13:20.123456+00\")"))
    #expect(try row.string(4) == "{1,NULL,3}")
    #expect(try row.string(5) == #"{a,"","NULL"}"#)
  }

  @Test func `nil goes as NULL and comes back as nil`() throws {
    let row = try #require(
      try connection.query(
        """
        SELECT \(Bool?.none), \(Int16?.none), \(Int32?.none), \(Int64?.none), \(String?.none), \([UInt8]?.none),
          \(Timestamp?.none), \(TimestampRange?.none), \(UUIDBytes?.none), \(JSONText?.none), \([String]?.none), \([Int64?]?.none)
        """
      ).first)
    #expect(try row.optionalBool(0) == nil)
    #expect(try row.optionalInt16(1) == nil)
    #expect(try row.optionalInt32(2) == nil)
    #expect(try row.optionalInt64(3) == nil)
    #expect(try row.optionalString(4) == nil)
    #expect(try row.optionalBytes(5) == nil)
    #expect(try row.optionalTimestamp(6) == nil)
    #expect(try row.optionalRange(7) == nil)
    #expect(try row.optionalUUID(8) == nil)
    #expect(try row.optionalValue(9, as: JSONText.self) == nil)
    #expect(try row.optionalArray(10, of: String.self) == nil)
    #expect(try row.optionalArrayWithNulls(11, of: Int64.self) == nil)
    let error = try postgresError { _ = try row.int64(3) }
    #expect(error?.code == .badValue)
  }

  @Test func `ranges come back as they went`() throws {
    let ranges: [TimestampRange] = [
      TimestampRange(lower: early, upper: moment), TimestampRange(lower: nil, upper: moment),
      TimestampRange(lower: moment, upper: nil), TimestampRange(lower: nil, upper: nil), .empty,
    ]
    for range in ranges {
      #expect(try connection.query("SELECT \(range)").first?.range(0) == range)
    }
    #expect(TimestampRange(lower: moment, upper: moment) == .empty)
    #expect(try connection.query("SELECT \(ranges)").first?.array(0) == ranges)
  }

  @Test(arguments: ["(,2020-01-01]", "(2020-01-01,2021-01-01)", "[-infinity,2021-01-01)", "[2020-01-01,infinity)"])
  func `a range of another form is refused`(_ text: String) throws {
    let rows = try connection.query("SELECT \(text)::tstzrange")
    #expect(try postgresError { _ = try rows.first?.range(0) }?.code == .badValue)
  }

  @Test(arguments: ["infinity", "-infinity"]) func `an infinite timestamp is refused`(_ text: String) throws {
    let rows = try connection.query("SELECT \(text)::timestamptz")
    #expect(try postgresError { _ = try rows.first?.timestamp(0) }?.code == .badValue)
    let sent = try postgresError { _ = try connection.query("SELECT \(Timestamp(microsecondsSinceUnixEpoch: .min))") }
    #expect(sent?.code == .badValue)
  }

  @Test func `arrays come back as they went`() throws {
    let row = try #require(
      try connection.query(
        """
        SELECT \([] as [Int64]), \([true, false]), \([1, 2] as [Int16]), \([3, nil] as [Int32?]), \(["x", nil, ""] as [String?]),
          \([[1, 2], []] as [[UInt8]]), \([moment, nil] as [Timestamp?]), \([uuid]), \([JSONText("1"), JSONText("[]")])
        """
      ).first)
    #expect(try row.array(0, of: Int64.self) == [])
    #expect(try row.array(1) == [true, false])
    #expect(try row.array(2) == [1, 2] as [Int16])
    #expect(try row.arrayWithNulls(3) == [3, nil] as [Int32?])
    #expect(try row.arrayWithNulls(4) == ["x", nil, ""] as [String?])
    #expect(try row.array(5) == [[1, 2], []] as [[UInt8]])
    #expect(try row.arrayWithNulls(6) == [moment, nil])
    #expect(try row.array(7) == [uuid])
    #expect(try row.array(8) == [JSONText("1"), JSONText("[]")])
    #expect(try postgresError { _ = try row.array(3, of: Int32.self) }?.code == .badValue)
    #expect(try postgresError { _ = try row.array(4, of: Int64.self) }?.code == .badValue)
    #expect(try postgresError { _ = try connection.query("SELECT 'abc'").first?.array(0, of: String.self) }?.code == .badValue)
  }

  @Test func `a column of another type is refused and named`() throws {
    let row = try #require(try connection.query("SELECT 1.5::numeric AS price, 1::bigint AS id").first)
    let error = try postgresError { _ = try row.string(0) }
    #expect(error?.code == .badValue)
    #expect(error?.message.contains("price") == true)
    #expect(try postgresError { _ = try row.int32(1) }?.code == .badValue)
    #expect(try connection.query("SELECT 7::smallint").first?.int64(0) == 7)
  }

  @Test func `NUL is refused before anything is sent`() throws {
    let secret = "abc\0def"
    let error = try postgresError { _ = try connection.query("SELECT 1, \(secret)") }
    #expect(error?.code == .badValue)
    #expect(error?.message.contains("$1") == true)
    #expect(error?.description.contains("abc") == false)
    #expect(try postgresError { _ = try connection.query("SELECT \(["a", secret])") }?.code == .badValue)
    #expect(try postgresError { _ = try connection.query(SQL(unsafeSQL: "SELECT 1\0")) }?.code == .badValue)
    #expect(try postgresError { try connection.execute("SELECT 1\0; SELECT 2") }?.code == .badValue)
    #expect(try connection.query("SELECT 1").first?.int32(0) == 1)
  }

  @Test func `a value is never part of the text`() throws {
    let hostile = "'; DROP TABLE x; --"
    let statement: SQL = "SELECT \(hostile) AS \(identifier: "odd \" name")"
    #expect(statement.text == #"SELECT $1 AS "odd "" name""#)
    let rows = try connection.query(statement)
    #expect(rows.columnNames == [#"odd " name"#])
    #expect(try rows.first?.string(0) == hostile)
  }
}
