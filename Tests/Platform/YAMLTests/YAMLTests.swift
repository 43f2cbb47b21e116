import Testing
import YAML

@Suite struct YAMLTreeTests {
  @Test func `a document becomes a tree with lines`() throws {
    let text = """
      # people
      people:
        - login: 007
          on: "yes"
          notes: |
            two
            lines
        - login: 'null'
          manager:
          groups: [a, b, ]
      empty: {}
      """
    let root = try #require(try YAMLNode(parsing: text))
    #expect(root.pairs?.map(\.name) == ["people", "empty"])
    #expect(root["empty"]?.pairs?.isEmpty == true)
    let people = try #require(root["people"]?.elements)
    #expect(people.count == 2)
    #expect(people[0]["login"]?.content == .scalar("007", isPlain: true))
    #expect(people[0]["on"]?.content == .scalar("yes", isPlain: false))
    #expect(people[0]["notes"]?.text == "two\nlines\n")
    #expect(people[1]["groups"]?.elements?.compactMap(\.text) == ["a", "b"])
    #expect(people[1].line == 8)
    #expect(people[1].column == 5)
    #expect(people[1]["groups"]?.elements?[1].line == 10)
    #expect(people[1]["groups"]?.elements?[1].column == 17)
    #expect(root.pairs?[1].key.line == 11)
    #expect(people[1]["absent"] == nil)
  }

  static let nulls: [(text: String, isNull: Bool)] = [
    ("a:", true), ("a: ~", true), ("a: null", true), ("a: Null", true), ("a: NULL", true), ("a: 'null'", false),
    ("a: \"\"", false), ("a: nULL", false), ("a: no", false), ("a: 0", false), ("a: !!str", false), ("a: []", false),
  ]

  @Test(arguments: nulls) func `only a plain null is null`(text: String, isNull: Bool) throws {
    #expect(try YAMLNode(parsing: text)?["a"]?.isPlainNull == isNull)
  }

  @Test func `no document, an empty document and an empty mapping are different`() throws {
    #expect(try YAMLNode(parsing: "") == nil)
    #expect(try YAMLNode(parsing: "# nothing\n\n") == nil)
    #expect(try YAMLNode(parsing: "---\n")?.isPlainNull == true)
    #expect(try YAMLNode(parsing: "{}")?.pairs?.isEmpty == true)
  }

  @Test func `tags are kept and text is not interpreted`() throws {
    let root = try #require(try YAMLNode(parsing: "a: !!str 12\nb: !own {x: y}\nc: 1e3"))
    #expect(root["a"]?.tag == "tag:yaml.org,2002:str")
    #expect(root["b"]?.tag == "!own")
    #expect(root["c"]?.tag == nil)
    #expect(root["c"]?.text == "1e3")
  }

  @Test func `text beyond ASCII counts one column a character`() throws {
    let root = try #require(try YAMLNode(parsing: "é: [😀, x]"))
    #expect(root["é"]?.elements?.map(\.text) == ["😀", "x"])
    #expect(root["é"]?.elements?[1].column == 8)
  }

  @Test func `aliases stand for their nodes`() throws {
    let root = try #require(try YAMLNode(parsing: "a: &x [1, &y 2]\nb: *x\nc: *y\n&k d: e\nf: {*k : g}"))
    #expect(root["b"] == root["a"])
    #expect(root["b"]?.line == 1)
    #expect(root["c"]?.text == "2")
    #expect(root["f"]?["d"]?.text == "g")
  }

  @Test func `an error reads as a place and a reason`() throws {
    let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: "a: 1\na: 2") }
    #expect(error.description == "line 2, column 1: the key `a` is already on line 1")
  }
}

@Suite struct YAMLRefusalTests {
  static let refusals: [(text: String, line: Int, column: Int, part: String)] = [
    ("a: 1\nb: 2\na: 3", 3, 1, "the key `a` is already on line 1"),
    ("a:\n  \"1\": x\n  1: y", 3, 3, "already on line 2"),
    ("base: &b {x: 1}\nuse:\n  <<: *b", 3, 3, "merge keys"),
    ("? [a]\n: b", 1, 3, "a key must be a text, not a list"),
    ("a: *gone", 1, 4, "the alias *gone"),
    ("a: &x [*x]", 1, 8, "the alias *x"),
    ("a: 1\n---\nb: 2", 2, 1, "second document"),
    ("a: 1\n...\nb: 2", 3, 1, "did not find expected <document start>"),
    ("a: [1, 2\nb: 3", 2, 2, "did not find expected"),
    ("a: 'x", 1, 6, "found unexpected end of stream"),
    ("a:\n\tb: 1", 2, 1, "found character that cannot start any token"),
    ("a: b: c", 1, 5, "mapping values are not allowed"),
    ("a: \"\\0\"", 1, 4, "U+0000"),
    ("a: !x!y z", 1, 4, "undefined tag handle"),
    ("a: \u{1}", 1, 4, "control characters are not allowed"),
  ]

  @Test(arguments: refusals) func `a refusal names the line and the reason`(
    text: String, line: Int, column: Int, part: String
  ) throws {
    let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: text) }
    #expect(error.message.contains(part))
    #expect(error.line == line)
    #expect(error.column == column)
  }

  @Test func `a quoted merge sign is an ordinary key`() throws {
    #expect(try YAMLNode(parsing: "'<<': 1")?["<<"]?.text == "1")
  }

  @Test func `bytes that are not UTF-8 are refused with their place`() throws {
    let bytes = Array("a: 1\nbé: ".utf8) + [0xFF]
    let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: bytes) }
    #expect(error.message == "invalid leading UTF-8 octet")
    #expect(error.line == 2)
    #expect(error.column == 5)
  }

  @Test func `a short text of aliases cannot stand for billions of nodes`() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    let error = try #require(throws: YAMLError.self) { _ = try YAMLNode(parsing: text) }
    #expect(error.message.contains("more than 2000000 nodes"))
    #expect(error.line > 5)
  }

  @Test func `depth counts through aliases`() throws {
    let limits = YAMLLimits(depth: 3)
    #expect(throws: Never.self) { try YAMLNode(parsing: "[[[x]]]", limits: limits) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: "[[[[x]]]]", limits: limits) }
    #expect(throws: Never.self) { try YAMLNode(parsing: "[&a [[x]], *a]", limits: limits) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: "[&a [[x]], [*a]]", limits: limits) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: String(repeating: "[", count: 100_000)) }
  }

  @Test func `length and nodes are limited`() throws {
    #expect(throws: Never.self) { try YAMLNode(parsing: "[1, 2]", limits: YAMLLimits(bytes: 6, nodes: 3)) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: "[1, 2]", limits: YAMLLimits(bytes: 5)) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: "[1, 2]", limits: YAMLLimits(nodes: 2)) }
  }
}
