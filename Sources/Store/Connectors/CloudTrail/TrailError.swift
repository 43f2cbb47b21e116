import Compression
import JSON

/// A file or a record of a trail that cannot be read.
public struct TrailError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The record in the file, counted from 1; nil where the whole file is meant.
  public let record: Int?
  /// What is wrong.
  public let problem: String

  init(_ path: String, record: Int? = nil, _ problem: String) {
    (self.path, self.record, self.problem) = (path, record, problem)
  }

  /// File, record and reason in one line.
  public var description: String {
    "`\(path)`\(record.map { ", record \($0)" } ?? ""): \(problem)"
  }
}

/// How much of a trail is read at once; each with its reason.
public enum TrailLimits {
  /// Bytes of a file unpacked: whoever hands on a trail of years puts it into some files of hundreds of megabytes, or into one.
  ///
  /// They are read piece by piece, so that this only bounds what a short packed file can stand for.
  public static let contentBytes = 64 << 30
  /// Bytes of a record, or of what stands around records: CloudTrail's are of 256 KiB, or 1 MiB in a lake.
  public static let recordBytes = 16 << 20
  /// Bytes of a file that is read as one document, unpacked: the details of the greatest accounts are of some tens of megabytes.
  public static let documentFileBytes = 1 << 30
  /// Depth of a file's JSON: what services tell of requests is deep at times.
  public static let depth = 128
  /// Files of one import.
  public static let files = 1_000_000
  /// Records of one import, which are ordered in memory; more are imported in parts.
  public static let records = 20_000_000
  /// Bytes of a policy document: AWS allows 20 KiB (a bucket's, a key's 32 KiB).
  public static let documentBytes = 1 << 20
  /// Statements of a policy document, and principals of one of them.
  public static let statements = 1_000
  /// Principals and statements of a document that become grants: more than any document of the sizes that AWS allows has.
  public static let grantsPerDocument = 4_000
  /// Different remarks that a report keeps; what comes beyond is only counted.
  public static let remarks = 1_000
}
