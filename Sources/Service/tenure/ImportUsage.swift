import API
import EventLog
import Foundation
import Governance
import JSON
import Usage

extension Subcommand {
  /// `tenure import usage FILE… --source NAME`.
  static func importUsage(_ arguments: inout Arguments) throws -> ExitStatus {
    var files = [try arguments.word("the file, or - for the standard input")]
    while let file = arguments.word() { files.append(file) }
    let source = try arguments.required("source")
    if let problem = Limits.problem(identifier: source) { throw UsageError("--source \(problem)") }
    let format = try arguments.format()
    let name = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    // What can be wrong without the database is found before it is started.
    let inputs = try files.map { try UsageInput($0) }
    let session = try Session.open(place)
    defer { session.close() }
    let tenant = try session.store.findOrCreate(tenant: name)
    var reading = UsageReading(store: UsageStore(tenant), source: source, bytes: inputs.map(\.bytes))
    for input in inputs { try reading.take(input) }
    let receipt = try reading.finish()
    switch format {
    case .json:
      var object = receipt.json
      object["source"] = .string(source)
      try Output.standard.writeBytes(JSONValue.object(object).canonicalBytes() + [UInt8(ascii: "\n")])
    case .text: try Output.standard.writeText(try text(receipt, source, tenant))
    }
    return receipt.conflicting + receipt.tooOld > 0 ? .uncertain : .yes
  }

  private static func text(_ receipt: UsageReceipt, _ source: String, _ tenant: Tenant) throws -> String {
    var text =
      "\(source) into tenant \(tenant.name): \(receipt.total) records, \(receipt.new) new, \(receipt.repeated) known before\n"
    if receipt.conflicting > 0 {
      text += "\(receipt.conflicting) came again with another content: what came first stays\n"
    }
    if receipt.tooOld > 0 {
      let days = try UsageStore(tenant).keptDays()
      text += "\(receipt.tooOld) were refused: older than the \(days) days that rows are kept, or of days that were let go; "
      text += "tenure usage keep DAYS keeps more\n"
    }
    return text
  }
}

/// A file of records, open.
private struct UsageInput {
  let name: String
  let handle: FileHandle
  /// How long it is; nil where that is not known.
  let bytes: Int64?

  init(_ path: String) throws {
    if path == "-" {
      (name, handle, bytes) = ("the standard input", .standardInput, nil)
      return
    }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw CommandError("\(path) cannot be read") }
    let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
    (name, self.handle, bytes) = (path, handle, size?.int64Value)
  }
}

/// Reads files line by line and records them batch by batch; memory does not grow with the files.
private struct UsageReading {
  /// Bytes read at once.
  private static let chunkBytes = 1 << 20

  let store: UsageStore
  let source: String
  private let total: Int64?
  private let progress = Progress("importing usage (bytes)")
  private var done: Int64 = 0
  private var gathering = UsageGathering()
  private var receipt = UsageReceipt()

  init(store: UsageStore, source: String, bytes: [Int64?]) {
    self.store = store
    self.source = source
    total = bytes.contains { $0 == nil } ? nil : bytes.compactMap { $0 }.reduce(0, +)
  }

  mutating func take(_ input: UsageInput) throws {
    var line = 0
    var rest: [UInt8] = []
    while let chunk = try input.handle.read(upToCount: Self.chunkBytes), !chunk.isEmpty {
      rest += chunk
      var start = 0
      while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        line += 1
        try take(Array(rest[start..<end]), line, of: input)
        start = end + 1
      }
      rest.removeFirst(start)
      guard rest.count <= UsageLines.lineBytes else {
        throw CommandError("\(input.name), line \(line + 1): the record is longer than \(UsageLines.lineBytes) bytes")
      }
      done += Int64(chunk.count)
      if let total, done < total { progress.advance(done, of: total) }
    }
    if !rest.isEmpty { try take(rest, line + 1, of: input) }
  }

  private mutating func take(_ bytes: [UInt8], _ line: Int, of input: UsageInput) throws {
    do {
      for record in try UsageLines.read(bytes, firstLine: line) {
        if let batch = gathering.add(record) { try send(batch) }
      }
    } catch let error as UsageLineError {
      throw CommandError(
        "\(input.name), \(error); \(receipt.new) records before it are stored, and importing again goes on from there")
    }
  }

  private mutating func send(_ batch: [UsageRecord]) throws {
    receipt += try store.record(batch, source: source)
  }

  mutating func finish() throws -> UsageReceipt {
    try send(gathering.take())
    if let total { progress.advance(total, of: total) }
    return receipt
  }
}
