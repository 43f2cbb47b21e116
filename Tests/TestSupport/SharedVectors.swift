import FoundationEssentials

/// The test vectors of others, which lie beside the repository and may be absent.
public enum SharedVectors {
  /// The names and contents of the files in a folder of vectors, in order; empty, with a printed line, where it is absent.
  public static func files(in folder: String, file: String = #filePath) -> [(name: String, bytes: [UInt8])] {
    let root = file.split(separator: "/").dropLast(4).joined(separator: "/")
    let path = "/\(root)/../shared/data/vectors/\(folder)"
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      print("skipped: there is no ../shared/data/vectors/\(folder)")
      return []
    }
    return names.sorted().compactMap { name in
      FileManager.default.contents(atPath: "\(path)/\(name)").map { (name, Array($0)) }
    }
  }
}
