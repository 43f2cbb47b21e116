import JSON
import TestSupport
import Testing
import Usage

@testable import Connectors

@Suite struct `A file of a trail` {
  private static let one = #"{"eventName":"A","eventTime":"t","a":"]}\"[{\\"}"#
  private static let two = #"{ "eventName" : "B", "eventTime":"t", "events": {"Records":[1]}, "x": [[{}], -1.5e3] }"#

  /// Texts, and the names of the records in them.
  private static let shapes: [(text: String, names: String)] = [
    (#"{"Records":[\#(one),\#(two)]}"#, "AB"), (#"{"Records":[]}"#, ""), ("[\(one) , \(two)\n]", "AB"), ("[]", ""),
    ("\(one)\n\n\(two)\n", "AB"), (one + two, "AB"), ("  \(two)", "B"),
    // Delivery files unpacked into one, and what stands before and behind a list.
    (#"{"a":"Records","b":[{"Records":[{"eventName":"X"}]}],"Records" : [\#(one)],"c":{"d":[]}}{"Records":[\#(two)]}"#, "AB"),
    (#"{"Events":[{"EventId":"1","CloudTrailEvent":\#(text(one))},{"CloudTrailEvent":\#(text(two))}],"NextToken":"n"}"#, "AB"),
    (#"[\#(text(one)),\#(text(two))]"#, "AB"), (#"{"logEvents":[{"message":\#(text(two))}]}"#, "B"),
    ("{\"detail\":\(one)}\r\n{\"detail\":\(two)}", "AB"),
    // What Splunk and Elasticsearch put around them.
    (#"{"preview":false,"result":{"_raw":\#(text(one))}}"# + "\n" + #"{"_index":"i","_source":\#(two)}"#, "AB"),
    (#"{"digestStartTime":"t","logFiles":[{"a":1}]}"#, ""),
  ]

  /// A document written as a text.
  private static func text(_ document: String) -> String { JSONValue.string(document).canonicalText }

  @Test func `is divided into records whatever its shape is, and wherever it is cut`() throws {
    let seed: UInt64 = 23
    var random = SeededGenerator(seed: seed)
    for (text, names) in Self.shapes {
      let folder = ScratchTrail()
      #expect(try Self.names(at: folder.write(Array(text.utf8))) == names, "\(text)")
      let whole = try Self.cuts(of: [Array(text.utf8)])
      for _ in 0..<30 {
        var pieces: [[UInt8]] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
          let length = 1 + random.below(12)
          pieces.append(Array(rest.prefix(length)))
          rest = rest.dropFirst(length)
        }
        #expect(try Self.cuts(of: pieces) == whole, "seed \(seed): \(text)")
      }
    }
  }

  @Test func `that is broken is refused with its reason, wherever it is cut`() throws {
    let broken: [(text: String, says: String)] = [
      (#"{"Records":[\#(Self.one)"#, "ends inside a list"), (#"{"Records":[\#(Self.one)]"#, "is not JSON"),
      (#"{"Records":[\#(Self.one) \#(Self.two)]}"#, "is broken at byte"),
      (#"{"Records":[\#(Self.one),]}"#, "is broken at byte"),
      (#"{"Records":[,\#(Self.one)]}"#, "is broken at byte"), (#"{"Records":[]x}"#, "is not JSON"),
      (#"{"Records":[],"Records":[]}"#, "is not JSON"), ("]", "is not JSON"), (",", "is not JSON"), ("7", "has no array"),
      ("\(Self.one)\n{\"eventName\":", "is not JSON"), ("\(Self.one)\nplain text", "is not JSON"), ("", "is empty"),
      ("\n ", "is empty"),
      (#"{"hits":{"hits":[\#(Self.one)]}}"#, "has no array"),
    ]
    for (text, says) in broken {
      let folder = ScratchTrail()
      let path = folder.write(Array(text.utf8))
      do throws(TrailError) {
        let names = try Self.names(at: path)
        Issue.record("\(text) was read as \(names)")
      } catch { #expect(error.problem.contains(says), "\(text): \(error)") }
    }
  }

  @Test func `has its bad records passed over one by one, if asked, and those before a break stay`() throws {
    let good = record("iam:CreateUser", at: "2024-05-01T10:00:00Z", id: "a", request: ["userName": "eve"]).canonicalText
    let bad = #"{"eventName":"\ud800"}"#
    let folder = ScratchTrail()
    folder.write(Array(#"{"Records":[\#(bad),\#(good),\#(good.replacing(#""a""#, with: #""b""#))"#.utf8))
    let report = try CloudTrailImport.testing([folder.path], skipsInvalid: true).run(into: MemoryLog(), usage: MemoryUsage())
    #expect(report.records == 2)
    #expect(report.invalid.map(\.record) == [1, nil])
    #expect(report.invalid.last?.problem.contains("ends inside a list") == true)
  }

  @Test func `is bounded by its longest record, not by its length`() throws {
    var scanner = TrailScanner()
    var (count, longest) = (0, 0)
    let piece = Array((String(repeating: Self.one + ",", count: 500)).utf8)
    try scanner.scan(Array(#"{"Records":["#.utf8)) { _ throws(TrailScanFailure) in }
    for _ in 0..<200 {
      try scanner.scan(piece) { cut throws(TrailScanFailure) in
        guard case .item(let bytes) = cut else { return }
        count += 1
        longest = max(longest, bytes.capacity)
      }
    }
    #expect(count == 100_000)
    #expect(longest < 1_000)
    #expect(throws: TrailScanFailure.self) {
      var scanner = TrailScanner()
      let piece = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
      try scanner.scan(Array("{\"a\":".utf8)) { _ throws(TrailScanFailure) in }
      for _ in 0...(TrailLimits.recordBytes >> 20) { try scanner.scan(piece) { _ throws(TrailScanFailure) in } }
    }
  }

  @Test func `of old records, which do not say whether they only looked, their names say it; an account may be kept secret`()
    throws
  {
    var looks = record("iam:ListUsers", at: "2017-05-01T10:00:00Z", id: "a")
    guard case .object(var object) = looks else { return }
    object = JSONObject(object.filter { $0.name != "readOnly" && $0.name != "recipientAccountId" }.map { ($0.name, $0.value) })
    object["userIdentity"] = ["type": "IAMUser", "arn": "arn:aws:iam::REDACTED:user/eve", "accountId": "REDACTED"]
    looks = .object(object)
    let folder = ScratchTrail()
    folder.write([looks])
    let usage = MemoryUsage()
    let report = try CloudTrailImport.testing([folder.path]).run(into: MemoryLog(), usage: usage)
    #expect(report.remarks == [:] && report.accounts == ["REDACTED"])
    #expect(usage.records.map(\.identity) == ["arn:aws:iam::REDACTED:user/eve"])
  }

  private static func names(at path: String) throws(TrailError) -> String {
    var names = ""
    try TrailFiles.forEachRecord(at: path) { found in
      if case .record(let record) = found { names += record["eventName"]?.stringValue ?? "?" }
    }
    return names
  }

  private static func cuts(of pieces: [[UInt8]]) throws(TrailScanFailure) -> [String] {
    var scanner = TrailScanner()
    var cuts: [String] = []
    func take(_ cut: TrailScanner.Cut) {
      switch cut {
      case .item(let bytes): cuts.append("item \(String(decoding: bytes, as: UTF8.self))")
      case .document(let bytes, let hasList): cuts.append("document \(hasList) \(String(decoding: bytes, as: UTF8.self))")
      }
    }
    for piece in pieces { try scanner.scan(piece, take) }
    try scanner.finish(take)
    return cuts
  }
}
