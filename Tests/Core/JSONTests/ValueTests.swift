import JSON
import Testing

@Suite struct ValueTests {
  @Test func `texts that only look the same are different values and names`() throws {
    // é as one scalar and as e with an accent; the Kelvin sign and K. Swift's == takes both pairs for equal.
    #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    #expect(JSONValue.string("\u{212A}") != "K")
    let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value["\u{E9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(value["E"] == nil)
  }

  @Test func `objects are equal in any order and keep their own`() {
    let (left, right): (JSONValue, JSONValue) = (["a": 1, "b": 2], ["b": 2, "a": 1])
    #expect(left == right)
    #expect(Set([left, right]).count == 1)
    #expect(right.objectValue?.map(\.name) == ["b", "a"])
    #expect(left.canonicalText == right.canonicalText)
    #expect(left != ["a": 1])
    #expect(left != ["a": 1, "b": 3])
    #expect(left != ["a": 1, "c": 2])
  }

  @Test func `members are found, replaced and removed below and above the size with a table`() {
    for count in [3, 100] {
      var object = JSONObject()
      for number in 0..<count { object.append("n\(number)", .integer(Int64(number))) }
      let isAdded = object.append("n1", "again")
      #expect(!isAdded)
      object["n1"] = "replaced"
      object["n0"] = nil
      object["new"] = true
      object["absent"] = nil
      #expect(object.count == count)
      #expect(object["n0"] == nil)
      #expect(object["n1"] == "replaced")
      #expect(object["n2"] == 2)
      #expect(object["new"] == true)
      #expect(object.map(\.name) == (1..<count).map { "n\($0)" } + ["new"])
    }
  }

  @Test func `kinds are told apart`() {
    let value: JSONValue = ["a": [1, 2.5, "x", true, nil]]
    #expect(value["a"]?[0]?.integerValue == 1)
    #expect(value["a"]?[1] == .number(2.5))
    #expect(value["a"]?[2]?.stringValue == "x")
    #expect(value["a"]?[3]?.boolValue == true)
    #expect(value["a"]?[4]?.isNull == true)
    #expect(value["a"]?[5] == nil)
    #expect(value["a"]?["b"] == nil)
    #expect(value["a"]?[0]?.stringValue == nil)
    #expect(JSONValue(3.0) == 3)
  }

  @Test func `a pointer escapes the two characters it must`() {
    #expect(JSONPointer.child("a/b~c", of: "/x") == "/x/a~1b~0c")
    #expect(JSONPointer.child("", of: JSONPointer.root) == "/")
    #expect(JSONPointer.child(7, of: "/x") == "/x/7")
  }
}

@Suite struct WriterTests {
  @Test func `a document is written without values in between`() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("array")
    writer.beginArray()
    writer.integer(1)
    writer.number(0.5)
    writer.bool(false)
    writer.null()
    writer.beginObject()
    writer.endObject()
    writer.beginArray()
    writer.endArray()
    writer.rawJSON(Array("{\"raw\":1}".utf8))
    writer.value(["b": 1, "a": 2])
    writer.endArray()
    writer.key("text")
    writer.string("\"")
    writer.key("when")
    writer.plainString { $0.append(contentsOf: "2024-05-01".utf8) }
    writer.endObject()
    let text = #"{"array":[1,0.5,false,null,{},[],{"raw":1},{"a":2,"b":1}],"text":"\"","when":"2024-05-01"}"#
    #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    #expect(try JSONValue(parsing: writer.bytes).canonicalText == text)
  }

  @Test func `lines of documents can be taken piece by piece`() {
    var writer = JSONWriter(reserving: 64)
    writer.value([1])
    writer.endLine()
    let first = writer.take()
    writer.string("x")
    writer.endLine()
    #expect(String(decoding: first + writer.take(), as: UTF8.self) == "[1]\n\"x\"\n")
    #expect(writer.bytes.isEmpty)
  }
}
