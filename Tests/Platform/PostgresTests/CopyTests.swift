import Postgres
import Testing

@Suite struct CopyTests {
  struct Refused: Error {}

  let connection: Connection
  let moment = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)
  let uuid = UUIDBytes(7)

  init() throws { connection = try TestServer.connect() }

  @Test func `every type goes in and comes out`() throws {
    try connection.execute(
      """
      CREATE TEMP TABLE everything (
        a bigint, b integer, c smallint, d boolean, e double precision, f text, g bytea, h timestamptz, i tstzrange, j uuid,
        k jsonb, l text[], m bigint[], n json)
      """)
    let range = TimestampRange(lower: moment, upper: nil)
    let written = try connection.copyIn("COPY everything FROM STDIN (FORMAT binary)") { writer in
      try writer.row(columns: 14)
      try writer.write(Int64.min)
      try writer.write(Int32.max)
      try writer.write(Int16.min)
      try writer.write(true)
      try writer.write(1.5)
      try writer.write("Grüße")
      try writer.write([0, 255] as [UInt8])
      try writer.write(moment)
      try writer.write(range)
      try writer.write(uuid)
      try writer.write(JSONText("[1]"))
      try writer.write(["x", nil] as [String?])
      try writer.write([1, 2] as [Int64])
      try writer.write("{}")
      try writer.row(columns: 14)
      for _ in 0..<14 { try writer.writeNull() }
    }
    #expect(written == 2)
    var seen = 0
    try connection.copyOut("COPY everything TO STDOUT (FORMAT binary)") { row in
      defer { seen += 1 }
      guard seen == 0 else { return try expectNulls(&row) }
      #expect(row.remainingColumns == 14)
      #expect(try row.int64() == .min)
      #expect(try row.int32() == .max)
      #expect(try row.int16() == .min)
      #expect(try row.bool())
      #expect(try row.double() == 1.5)
      #expect(try row.string() == "Grüße")
      #expect(try row.bytes() == [0, 255])
      #expect(try row.timestamp() == moment)
      #expect(try row.range() == range)
      #expect(try row.uuid() == uuid)
      #expect(try row.json().text == "[1]")
      #expect(try row.arrayWithNulls(of: String.self) == ["x", nil])
      #expect(try row.array(of: Int64.self) == [1, 2])
      #expect(try row.withUTF8 { $0.count } == 2)
    }
    #expect(seen == 2)
  }

  private func expectNulls(_ row: inout BinaryCopyReader) throws {
    #expect(try row.optionalInt64() == nil)
    #expect(try row.optionalInt32() == nil)
    #expect(try row.optionalInt16() == nil)
    #expect(try row.optionalBool() == nil)
    #expect(try row.optionalDouble() == nil)
    #expect(try row.optionalString() == nil)
    #expect(try row.optionalBytes() == nil)
    #expect(try row.optionalTimestamp() == nil)
    #expect(try row.optionalRange() == nil)
    #expect(try row.optionalUUID() == nil)
    #expect(try row.optionalJSON() == nil)
    #expect(try row.optionalArrayWithNulls(of: String.self) == nil)
    try row.skip()
    #expect(throws: PostgresError.self) { try row.withBytes { $0.byteCount } }
    #expect(throws: PostgresError.self) { try row.int64() }
  }

  @Test func `many rows go through in bounded pieces`() throws {
    try connection.execute("CREATE TEMP TABLE numbers (n bigint, text text)")
    let count = try connection.copyIn("COPY numbers FROM STDIN (FORMAT binary)") { writer in
      for number in 0..<100_000 {
        try writer.row(columns: 2)
        try writer.write(Int64(number))
        try writer.write("number \(number)")
      }
    }
    #expect(count == 100_000)
    var next: Int64 = 0
    try connection.copyOut("COPY (SELECT * FROM numbers ORDER BY n) TO STDOUT (FORMAT binary)") { row in
      let number = try row.int64()
      if number != next { throw Refused() }
      next += 1
    }
    #expect(next == 100_000)
    #expect(try connection.query("SELECT text FROM numbers WHERE n = \(99_999)").first?.string(0) == "number 99999")
  }

  @Test func `a COPY that fails leaves nothing but a usable connection`() throws {
    try connection.execute("CREATE TEMP TABLE t (a bigint CHECK (a < 10))")
    #expect(throws: Refused.self) {
      try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        try writer.row(columns: 1)
        try writer.write(Int64(1))
        throw Refused()
      }
    }
    let server = try postgresError {
      _ = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        // Enough to be sent in many pieces, so that the refusal comes while we write.
        for number in 0..<1_000_000 {
          try writer.row(columns: 1)
          try writer.write(Int64(number))
        }
      }
    }
    #expect(server?.sqlState == "23514")
    let wrongType = try postgresError {
      _ = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        try writer.row(columns: 1)
        try writer.write(Int16(1))
      }
    }
    #expect(wrongType?.code == .server)
    #expect(wrongType?.sqlState == "08P01")
    let nul = try postgresError {
      _ = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        try writer.row(columns: 1)
        try writer.write("\0")
      }
    }
    #expect(nul?.code == .badValue)
    #expect(try connection.query("SELECT FROM t").isEmpty)
  }

  @Test func `a COPY out that is broken off leaves the connection usable`() throws {
    #expect(throws: Refused.self) {
      try connection.copyOut("COPY (SELECT generate_series(1, 1000000)) TO STDOUT (FORMAT binary)") { _ in throw Refused() }
    }
    let late = try postgresError {
      try connection.copyOut("COPY (SELECT 1 / (500 - n) FROM generate_series(1, 1000) n) TO STDOUT (FORMAT binary)") { _ in }
    }
    #expect(late?.sqlState == "22012")
    var rows = 0
    try connection.copyOut("COPY (SELECT WHERE false) TO STDOUT (FORMAT binary)") { _ in rows += 1 }
    #expect(rows == 0)
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test(arguments: [
    "COPY pg_am TO STDOUT (FORMAT binary)", "SELECT 1", "COPY t FROM STDIN", "CREATE TEMP TABLE other (a int)",
  ]) func `what is no binary COPY in is refused`(_ sql: String) throws {
    try connection.execute("CREATE TEMP TABLE t (a bigint)")
    let error = try postgresError { _ = try connection.copyIn(sql) { _ in } }
    #expect(error?.code == .badValue)
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test(arguments: ["COPY t FROM STDIN (FORMAT binary)", "SELECT 1", "COPY t TO STDOUT"])
  func `what is no binary COPY out is refused`(_ sql: String) throws {
    try connection.execute("CREATE TEMP TABLE t (a bigint)")
    #expect(try postgresError { try connection.copyOut(sql) { _ in } }?.code == .badValue)
    #expect(try postgresError { try connection.execute(sql + "; SELECT 1") }?.code ?? .badValue == .badValue)
    #expect(try connection.query("SELECT 1").count == 1)
  }
}
