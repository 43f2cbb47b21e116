import JSON
import Testing

@Suite struct FieldReaderTests {
  static let document: JSONValue = [
    "name": "Ada", "count": 3, "half": 0.5, "open": true, "inner": ["x": 1], "list": ["a", 1], "words": ["a", "b"], "none": nil,
  ]

  @Test func `fields of every kind are read`() throws {
    var fields = try FieldReader(Self.document)
    #expect(try fields.string("name") == "Ada")
    #expect(try fields.integer("count") == 3)
    #expect(try fields.value("half") == 0.5)
    #expect(try fields.bool("open"))
    var inner = try fields.object("inner")
    #expect(try inner.integer("x") == 1)
    #expect(throws: Never.self) { try inner.finish() }
    #expect(try fields.array("list") == ["a", 1])
    #expect(try fields.strings("words") == ["a", "b"])
    #expect(try fields.value("none") == nil)
    #expect(throws: Never.self) { try fields.finish() }
  }

  @Test func `null and absence are the same for an optional field`() throws {
    var fields = try FieldReader(["none": nil])
    for name in ["none", "absent"] {
      #expect(try fields.optionalString(name) == nil)
      #expect(try fields.optionalInteger(name) == nil)
      #expect(try fields.optionalBool(name) == nil)
      #expect(try fields.optionalObject(name) == nil)
      #expect(try fields.optionalArray(name) == nil)
      #expect(try fields.optionalStrings(name) == nil)
      let value = fields.optionalValue(name)
      #expect(value == nil)
    }
    #expect(throws: Never.self) { try fields.finish() }
  }

  typealias Reading = @Sendable (inout FieldReader) throws -> Void

  static let refusals: [(pointer: String, problem: String, read: Reading)] = [
    ("/at/absent", "is missing", { _ = try $0.string("absent") }),
    ("/at/none", "is missing", { _ = try $0.integer("none") }),
    ("/at/a~1b", "is missing", { _ = try $0.value("a/b") }),
    ("/at/count", "must be a string", { _ = try $0.string("count") }),
    ("/at/name", "must be an integer", { _ = try $0.integer("name") }),
    ("/at/half", "must be an integer", { _ = try $0.optionalInteger("half") }),
    ("/at/name", "must be true or false", { _ = try $0.bool("name") }),
    ("/at/name", "must be an object", { _ = try $0.object("name") }),
    ("/at/name", "must be an array", { _ = try $0.array("name") }),
    ("/at/list/1", "must be a string", { _ = try $0.strings("list") }),
    ("/at/name", "is longer than 2 bytes", { _ = try $0.string("name", maximumBytes: 2) }),
    ("/at/words/0", "is longer than 0 bytes", { _ = try $0.strings("words", maximumBytes: 0) }),
    ("/at/words", "has more than 1 elements", { _ = try $0.strings("words", maximumCount: 1) }),
    ("/at/name", "is not a known field", { try $0.finish() }),
    (
      "/at/inner/x", "is not a known field",
      {
        let inner = try $0.object("inner")
        try inner.finish()
      }
    ),
  ]

  @Test(arguments: refusals.indices) func `a refusal names the field and the problem`(index: Int) throws {
    let refusal = Self.refusals[index]
    var fields = try FieldReader(Self.document, at: "/at")
    let error = try #require(throws: JSONFieldError.self) { try refusal.read(&fields) }
    #expect(error == JSONFieldError(pointer: refusal.pointer, problem: refusal.problem))
    #expect(error.description == "\(refusal.pointer) \(refusal.problem)")
  }

  @Test func `what is no object is refused`() throws {
    let error = try #require(throws: JSONFieldError.self) { try FieldReader([1]) }
    #expect(error.description == "the document must be an object")
  }
}
