import Governance
import JSON
import Temporal

/// The records of all files, each once, in the order of time.
struct TrailContents {
  private(set) var records: [TrailRecord] = []
  private(set) var duplicates = 0
  private(set) var invalid: [TrailError] = []
  private var ids: Set<String> = []

  /// Reads files, without keeping more of a record than is used.
  ///
  /// - Parameters:
  ///   - latest: the last instant that a record may have.
  ///   - skipsInvalid: whether a file or record that cannot be read is passed over and told, instead of ending it all.
  ///   - progress: called after each file with the files read so far.
  /// - Throws: ``TrailError``.
  init(
    _ files: TrailFiles, through latest: Instant, skipsInvalid: Bool, progress: (Int) -> Void
  ) throws(TrailError) {
    for (index, path) in files.paths.enumerated() {
      do throws(TrailError) { try read(path, latest, skipsInvalid: skipsInvalid) } catch {
        guard skipsInvalid else { throw error }
        note(error)
      }
      progress(index + 1)
    }
    ids = []
    records.sort { a, b in a.at != b.at ? a.at < b.at : a.id.precedes(b.id) }
  }

  private mutating func read(_ path: String, _ latest: Instant, skipsInvalid: Bool) throws(TrailError) {
    for (index, document) in try TrailFiles.documents(at: path).enumerated() {
      let record: TrailRecord
      do throws(JSONFieldError) {
        record = try TrailRecord(document)
        if record.at > latest {
          throw JSONFieldError(pointer: "/eventTime", problem: "must not lie more than an hour ahead of the present")
        }
      } catch {
        let problem = TrailError(path, record: index + 1, error.description)
        guard skipsInvalid else { throw problem }
        note(problem)
        continue
      }
      try take(record, path)
    }
  }

  private mutating func note(_ error: TrailError) {
    // The first tell what is wrong; a report of a million lines tells nothing.
    if invalid.count < TrailLimits.remarks { invalid.append(error) }
  }

  private mutating func take(_ record: TrailRecord, _ path: String) throws(TrailError) {
    guard ids.insert(record.id).inserted else {
      duplicates += 1
      return
    }
    guard records.count < TrailLimits.records else {
      throw TrailError(path, "is one of files with more than \(TrailLimits.records) records; import them in parts")
    }
    records.append(record.slimmed)
  }
}

extension TrailRecord {
  /// Without what nobody will ask it for: answers to questions, and large requests of events that are only usage.
  fileprivate var slimmed: TrailRecord {
    var record = self
    let mayChange = outcome == .allowed && (!isReadOnly || service == "sts" || service == "signin")
    if mayChange { return record }
    record.response = JSONObject()
    record.additional = JSONObject()
    record.request = JSONObject(
      request.compactMap { member in
        guard let text = member.value.stringValue, text.utf8.count <= Self.nameBytes else { return nil }
        return (member.name, .string(text))
      })
    return record
  }

  /// Bytes of a text that may be the name of a resource.
  private static let nameBytes = 1_024
}
