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

  /// The documents of a file's records.
  ///
  /// - Throws: ``TrailError`` where the file cannot be read; it never carries the file's contents.
  static func documents(at path: String) throws(TrailError) -> [JSONValue] {
    var bytes = try contents(at: path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let content: JSONValue
    do throws(JSONError) { content = try JSONValue(parsing: bytes, limits: limits) } catch {
      guard let lines = lines(of: bytes) else { throw TrailError(path, "is not JSON: \(error)") }
      var records: [JSONValue] = []
      for line in lines { records += try self.records(in: line, path) }
      return records
    }
    return try records(in: content, path)
  }

  /// One document a line; nil where some line is none.
  private static func lines(of bytes: [UInt8]) -> [JSONValue]? {
    var values: [JSONValue] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.contains(where: { $0 > 0x20 }) {
      guard let value = try? JSONValue(parsing: Array(line), limits: limits) else { return nil }
      values.append(value)
    }
    return values.count > 1 ? values : nil
  }

  /// The records of a document: of a delivery file, a list, an answer of `lookup-events`, a batch of a log group, or itself one.
  private static func records(in content: JSONValue, _ path: String) throws(TrailError) -> [JSONValue] {
    if let records = content.arrayValue { return records }
    if let records = content["Records"] {
      guard let list = records.arrayValue else {
        throw TrailError(path, "`Records` is \(records.kindName), and must be an array")
      }
      return list
    }
    for (list, member) in wrappings {
      guard let items = content[list]?.arrayValue else { continue }
      return items.map { item in item[member].map(TrailWords.unpacked) ?? item }
    }
    if content["eventName"]?.stringValue != nil, content["eventTime"]?.stringValue != nil { return [content] }
    if let detail = content["detail"], detail.objectValue != nil { return [detail] }
    // Digest files lie beside the others and hold no records.
    if case .string = content["digestStartTime"] { return [] }
    throw TrailError(path, "has no array `Records`")
  }

  /// Where others keep records as texts: in which list, under which name.
  private static let wrappings = [("Events", "CloudTrailEvent"), ("logEvents", "message"), ("events", "message")]

  /// The JSON document in a file, unpacked where it is packed.
  ///
  /// - Throws: ``TrailError``.
  static func document(at path: String) throws(TrailError) -> JSONValue {
    let bytes = try contents(at: path)
    do throws(JSONError) { return try JSONValue(parsing: bytes, limits: limits) } catch {
      throw TrailError(path, "is not JSON: \(error)")
    }
  }

  /// What is read of a file's JSON.
  static let limits = JSONLimits(
    depth: TrailLimits.depth, bytes: TrailLimits.contentBytes, allowsNUL: true, allowsInexactIntegers: true)

  /// The account whose delivery file it is, as its name begins: `111122223333_CloudTrail_…`; nil where it does not say.
  static func owner(of path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    let parts = name.split(separator: "_")
    return parts.count > 2 && parts[1] == "CloudTrail" && AmazonName.isAccount(parts[0]) ? String(parts[0]) : nil
  }

  private static func contents(at path: String) throws(TrailError) -> [UInt8] {
    guard let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int else {
      throw TrailError(path, "cannot be read")
    }
    guard size <= TrailLimits.fileBytes else { throw TrailError(path, "is longer than \(TrailLimits.fileBytes) bytes") }
    guard let data = FileManager.default.contents(atPath: path) else { throw TrailError(path, "cannot be read") }
    let bytes = Array(data)
    guard path.hasSuffix(".gz") || Gzip.isGzip(bytes) else { return bytes }
    do throws(GzipError) { return try Gzip.decompress(bytes, maximumBytes: TrailLimits.contentBytes) } catch {
      throw TrailError(path, error.description)
    }
  }
}
