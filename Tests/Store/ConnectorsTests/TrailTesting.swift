import AccessGraph
import Foundation
import Governance
import JSON
import Temporal
import Usage

@testable import Connectors

/// A place for usage in memory, which counts each record once.
final class MemoryUsage: UsageDestination {
  private(set) var records: [UsageRecord] = []
  private var ids: Set<String> = []

  var latest: Instant { .latest }

  func makeRoom(for oldest: Instant) throws -> Int? { nil }

  func record(_ records: [UsageRecord], source: String) throws -> UsageReceipt {
    var receipt = UsageReceipt()
    for record in records {
      if ids.insert(record.id).inserted { receipt.new += 1 } else { receipt.repeated += 1 }
      if self.records.contains(where: { $0.id == record.id }) { continue }
      self.records.append(record)
    }
    return receipt
  }
}

/// A folder of trail files that goes away with it.
final class ScratchTrail {
  let path: String
  private var count = 0

  init() {
    path = NSTemporaryDirectory() + "trail-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, and answers its path.
  @discardableResult
  func write(_ bytes: [UInt8], name: String? = nil) -> String {
    count += 1
    let file = "\(path)/\(name ?? "\(count).json")"
    _ = FileManager.default.createFile(atPath: file, contents: Data(bytes))
    return file
  }

  @discardableResult
  func write(_ records: [JSONValue], name: String? = nil) -> String {
    write(JSONValue.object(["Records": .array(records)]).canonicalBytes(), name: name)
  }
}

extension CloudTrailImport {
  static func testing(_ places: [String], baseline: String? = nil, skipsInvalid: Bool = false) throws(TrailError) -> Self {
    try CloudTrailImport(
      places, baseline: baseline, recordedBy: Recorder(id: "test", authentication: "local"), skipsInvalid: skipsInvalid)
  }
}

/// The exercise, which lies beside the repository and may be absent.
enum Exercise {
  static let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../../shared/data/cloudtrail")
    .standardized
    .path

  /// The folder; nil, with a printed line, where it is absent.
  static func found() -> String? {
    let root = folder
    if FileManager.default.fileExists(atPath: root) { return root }
    print("skipped: the trail of the exercise is absent (../shared/data/cloudtrail)")
    return nil
  }

  static func lines(_ name: String, in folder: String) throws -> [JSONValue] {
    try String(contentsOfFile: "\(folder)/expected/\(name).ndjson", encoding: .utf8).split(separator: "\n").map {
      try JSONValue(parsing: Array($0.utf8))
    }
  }
}

/// A record as CloudTrail writes it.
func record(
  _ action: String, at time: String, id: String, by arn: String = "arn:aws:iam::111122223333:user/admin",
  request: JSONValue = nil,
  response: JSONValue = nil, error: String? = nil, readOnly: Bool = false
) -> JSONValue {
  let parts = action.split(separator: ":")
  var record: JSONObject = [
    "eventVersion": "1.08", "eventID": .string(id), "eventTime": .string(time),
    "eventSource": .string("\(parts[0]).amazonaws.com"),
    "eventName": .string(String(parts[1])), "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
    "sourceIPAddress": "192.0.2.7", "userAgent": "test", "readOnly": .bool(readOnly), "requestParameters": request,
    "responseElements": response,
    "userIdentity": ["type": "IAMUser", "arn": .string(arn), "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE"],
  ]
  if let error { record["errorCode"] = .string(error) }
  return .object(record)
}
