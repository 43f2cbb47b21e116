import Compression
import Foundation
import JSON

/// Finds and reads a trail's files: `.json` and `.json.gz`, with an array `Records` or a bare array.
struct TrailFiles {
  /// The files in the order of their paths, each once.
  let paths: [String]

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
        guard name.hasSuffix(".json") || name.hasSuffix(".json.gz") else { continue }
        found.insert((place as NSString).appendingPathComponent(name))
        count += 1
        guard found.count <= TrailLimits.files else { throw TrailError(place, "holds more than \(TrailLimits.files) files") }
      }
      if count == 0 { throw TrailError(place, "holds no file whose name ends in .json or .json.gz") }
    }
    paths = found.sorted()
  }

  /// The documents of a file's records.
  ///
  /// - Throws: ``TrailError`` where the file cannot be read; it never carries the file's contents.
  static func documents(at path: String) throws(TrailError) -> [JSONValue] {
    let content = try document(at: path)
    if let records = content.arrayValue { return records }
    guard let records = content["Records"] else {
      // Digest files lie beside the others and hold no records.
      if case .string = content["digestStartTime"] { return [] }
      throw TrailError(path, "has no array `Records`")
    }
    guard let list = records.arrayValue else {
      throw TrailError(path, "`Records` is \(records.kindName), and must be an array")
    }
    return list
  }

  /// The JSON document in a file, unpacked where it is packed.
  ///
  /// - Throws: ``TrailError``.
  static func document(at path: String) throws(TrailError) -> JSONValue {
    let bytes = try contents(at: path)
    let limits = JSONLimits(
      depth: TrailLimits.depth, bytes: TrailLimits.contentBytes, allowsNUL: true, allowsInexactIntegers: true)
    do throws(JSONError) { return try JSONValue(parsing: bytes, limits: limits) } catch {
      throw TrailError(path, "is not JSON: \(error)")
    }
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
