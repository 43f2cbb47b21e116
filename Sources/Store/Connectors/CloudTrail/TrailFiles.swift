import Compression
import Foundation
import JSON

/// Finds and reads a trail's files: delivery files with an array `Records`, bare arrays, a record a line, and what other ways of
/// getting at records wrap around them.
struct TrailFiles {
  /// The files in the order of their paths, each once.
  let paths: [String]

  /// How the names of the files end that are read in folders, packed or not.
  private static let endings = [".json", ".jsonl"]

  /// Finds the files of the folders and the files that are named.
  ///
  /// - Throws: ``TrailError``.
  init(_ places: [String]) throws(TrailError) {
    var found: Set<String> = []
    for place in places {
      let kind =
        (try? FileManager.default.attributesOfItem(atPath: URL(fileURLWithPath: place).resolvingSymlinksInPath().path))?[.type]
      guard let kind = kind as? FileAttributeType else { throw TrailError(place, "there is no such file or folder") }
      guard kind == .typeDirectory else {
        found.insert(place)
        continue
      }
      let inside = FileManager.default.enumerator(atPath: place)
      var count = 0
      while let name = inside?.nextObject() as? String {
        guard Self.endings.contains(where: { name.hasSuffix($0) || name.hasSuffix($0 + ".gz") }) else { continue }
        found.insert((place as NSString).appendingPathComponent(name))
        count += 1
        guard found.count <= TrailLimits.files else { throw TrailError(place, "holds more than \(TrailLimits.files) files") }
      }
      if count == 0 { throw TrailError(place, "holds no file whose name ends in .json or .jsonl, or that with .gz") }
    }
    paths = found.sorted()
  }

  /// What stands in a record's place.
  enum Found {
    case record(JSONValue)
    /// Nothing that can be read, and why.
    case unreadable(String)
  }

  /// Reads a file's records one after another, without ever having the file in memory.
  ///
  /// - Throws: ``TrailError`` where the file cannot be read, which never carries its contents, and what `take` throws. Records that
  ///   stand before the place where it breaks off have been taken.
  static func forEachRecord(at path: String, _ take: (Found) throws(TrailError) -> Void) throws(TrailError) {
    var scanner = TrailScanner()
    func cut(_ cut: TrailScanner.Cut) throws(TrailScanFailure) {
      do throws(TrailError) { try self.take(cut, path, take) } catch { throw TrailScanFailure(error) }
    }
    try forEachPiece(of: path, upTo: TrailLimits.contentBytes) { piece throws(TrailError) in
      do throws(TrailScanFailure) { try scanner.scan(piece, cut) } catch {
        throw error.inner ?? TrailError(path, error.problem)
      }
    }
    do throws(TrailScanFailure) { try scanner.finish(cut) } catch { throw error.inner ?? TrailError(path, error.problem) }
    if scanner.isEmpty { throw TrailError(path, "is not JSON: the file is empty") }
  }

  private static func take(
    _ cut: TrailScanner.Cut, _ path: String, _ take: (Found) throws(TrailError) -> Void
  ) throws(TrailError) {
    switch cut {
    case .item(let bytes):
      let found: Found
      do throws(JSONError) { found = .record(unwrapped(try JSONValue(parsing: bytes, limits: limits))) } catch {
        found = .unreadable("is not JSON: \(error)")
      }
      try take(found)
    case .document(let bytes, let hasList):
      let content: JSONValue
      do throws(JSONError) { content = try JSONValue(parsing: bytes, limits: limits) } catch {
        throw TrailError(path, "is not JSON: \(error)")
      }
      if let record = try record(of: content, hasList, path) { try take(.record(record)) }
    }
  }

  /// The record that a document is, beside those of its lists; nil where it is none, as what stands around a list.
  private static func record(of content: JSONValue, _ hasList: Bool, _ path: String) throws(TrailError) -> JSONValue? {
    if let records = content["Records"], records.arrayValue == nil {
      throw TrailError(path, "`Records` is \(records.kindName), and must be an array")
    }
    if hasList { return nil }
    let record = unwrapped(content)
    if record["eventName"]?.stringValue != nil, record["eventTime"]?.stringValue != nil { return record }
    // Digest files lie beside the others and hold no records.
    if case .string = content["digestStartTime"] { return nil }
    throw TrailError(path, "has no array `Records`")
  }

  /// The record in what others wrap around it: as a member, or written as a text.
  private static func unwrapped(_ item: JSONValue) -> JSONValue {
    var item = TrailWords.unpacked(item)
    for _ in 0..<deepestWrapping where item["eventName"]?.stringValue == nil {
      let inside = wrappings.lazy.compactMap { item[$0].map(TrailWords.unpacked) }.first { $0.objectValue != nil }
      guard let inside else { return item }
      item = inside
    }
    return item
  }

  /// Under which names others keep records: an answer of `lookup-events`, an event bus, a log group, Splunk, Elasticsearch.
  private static let wrappings = ["CloudTrailEvent", "detail", "message", "_raw", "result", "_source"]

  /// How often a record is wrapped at most: Splunk's results hold the text of a record, which may be that of an event bus.
  private static let deepestWrapping = 4

  /// The JSON document in a file, unpacked where it is packed.
  ///
  /// - Throws: ``TrailError``.
  static func document(at path: String) throws(TrailError) -> JSONValue {
    var bytes: [UInt8] = []
    try forEachPiece(of: path, upTo: TrailLimits.documentFileBytes) { bytes += $0 }
    var limits = limits
    limits.bytes = TrailLimits.documentFileBytes
    do throws(JSONError) { return try JSONValue(parsing: bytes, limits: limits) } catch {
      throw TrailError(path, "is not JSON: \(error)")
    }
  }

  /// What is read of a file's JSON.
  static let limits = JSONLimits(
    depth: TrailLimits.depth, bytes: TrailLimits.recordBytes, allowsNUL: true, allowsInexactIntegers: true)

  /// The account whose delivery file it is, as its name begins: `111122223333_CloudTrail_…`; nil where it does not say.
  static func owner(of path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    let parts = name.split(separator: "_")
    return parts.count > 2 && parts[1] == "CloudTrail" && AmazonName.isAccount(parts[0]) ? String(parts[0]) : nil
  }

  /// The content of a file, unpacked where it is packed and without a byte order mark, piece by piece.
  private static func forEachPiece(
    of path: String, upTo limit: Int, _ take: ([UInt8]) throws(TrailError) -> Void
  ) throws(TrailError) {
    guard let file = FileHandle(forReadingAtPath: path) else { throw TrailError(path, "cannot be read") }
    defer { try? file.close() }
    func next() throws(TrailError) -> [UInt8] {
      do { return Array(try file.read(upToCount: pieceBytes) ?? Data()) } catch { throw TrailError(path, "cannot be read") }
    }
    var piece = try next()
    var unpacking = GzipUnpacking(maximumBytes: limit)
    let isPacked = path.hasSuffix(".gz") || Gzip.isGzip(piece)
    var (isFirst, length) = (true, 0)
    while !piece.isEmpty {
      var content = piece
      if isPacked {
        do throws(GzipError) { content = try unpacking.unpack(piece) } catch { throw TrailError(path, error.description) }
      }
      if isFirst, content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
      isFirst = isFirst && content.isEmpty
      length += content.count
      if length > limit { throw TrailError(path, "is longer than \(limit) bytes") }
      try take(content)
      piece = try next()
    }
    guard isPacked else { return }
    do throws(GzipError) { try unpacking.finish() } catch { throw TrailError(path, error.description) }
  }

  /// Bytes read at once: what comes out of them, packed as hard as can be, is some 64 MiB.
  private static let pieceBytes = 1 << 16
}
