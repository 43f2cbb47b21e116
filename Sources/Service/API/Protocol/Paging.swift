import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// How far a page goes.
struct PageSize: Sendable {
  /// Rows of a page where the caller says nothing.
  static let usualRows = 100
  /// The most rows of a page: one page is one slice of work.
  static let mostRows = 10_000
  /// Bytes after which a page ends: what one answer may hold in memory.
  static let bytes = 1 << 20

  var rows = usualRows

  func isFull(rows: Int, bytes: Int) -> Bool { rows > 0 && (rows >= self.rows || bytes >= Self.bytes) }
}

/// The view that a paged list is asked from, and the place where the page begins.
struct PagedView: Sendable {
  let question: String
  let at: Instant?
  let asKnownAt: AsKnownAt
  let cursor: Cursor?
  let page: PageSize

  /// Reads `at`, `as_known_at`, `limit` and `cursor`; a cursor fixes the first two.
  init(_ call: Call, _ input: JSONObject, _ reader: inout FieldReader, hasMoment: Bool = true) throws(JSONFieldError) {
    question = Cursor.question(call.request.rawPath, input)
    let at = hasMoment ? try reader.optionalInstant("at") : nil
    let asKnownAt = try reader.asKnownAt()
    cursor = try Cursor.read(&reader, question: question)
    page = PageSize(rows: try reader.limit())
    self.at = cursor?.at ?? at
    self.asKnownAt = cursor.map { .position($0.asKnownAt) } ?? asKnownAt
  }

  /// The row that the page begins with, for lists that are counted through.
  var firstRow: Int { get throws { Int(try place { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } } ?? 0) } }

  /// The id that the page begins after.
  var after: String? { get throws { try place { $0.stringValue } } }

  private func place<Value>(_ kind: (JSONValue) -> Value?) throws -> Value? {
    guard let cursor else { return nil }
    guard let value = kind(cursor.place) else {
      throw JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question")
    }
    return value
  }
}

extension PagedView {
  /// A page of a list at a moment: as many rows as it takes, and where the next begins.
  ///
  /// - Parameters:
  ///   - name: the list's member.
  ///   - rows: what was found, at most as many as were asked for.
  ///   - moment: the moment that they were found at, to which the next page keeps.
  ///   - next: the place where the next page begins if this one takes all rows; nil where there is none.
  ///   - after: the place behind a row.
  ///   - head: writes members before all others.
  ///   - write: writes the members of a row.
  func response<Row>(
    _ name: String, _ rows: [Row], at moment: Viewpoint, position: Int64, next: JSONValue?, after: (Row) -> JSONValue,
    head: (inout JSONWriter) -> Void = { _ in }, _ write: (inout JSONWriter, Row) -> Void
  ) -> Response {
    var writer = JSONWriter()
    writer.beginObject()
    head(&writer)
    writer.write(moment, position)
    writer.key(name)
    writer.beginArray()
    var place: JSONValue? = next
    for (index, row) in rows.enumerated() {
      if page.isFull(rows: index, bytes: writer.bytes.count) {
        place = .some(after(rows[index - 1]))
        break
      }
      writer.beginObject()
      write(&writer, row)
      writer.endObject()
    }
    writer.endArray()
    let cursor = place.map { Cursor(at: moment.at, asKnownAt: moment.asKnownAt, place: $0) }
    writer.member("next_cursor", cursor?.text(for: question))
    writer.endObject()
    return .json(writer.take(), position: position)
  }
}

extension Call {
  /// The answer about the one thing that the path names by its id, at the moment that the query names; 404 where it was not there.
  ///
  /// - Parameter find: its report and the position of that.
  func one(
    _ kind: String,
    _ find: @escaping @Sendable (Questions, String, Instant?, AsKnownAt) throws -> (report: any Report, position: Int64)?
  ) throws -> Outcome {
    var reader = FieldReader(object: try input())
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    let id = parameters["id"]
    return .waiting {
      guard let found = try find(questions, id, at, asKnownAt) else {
        throw Problem(.notFound, "there was no \(kind) \(id) then")
      }
      return .json(found.report.json(), position: found.position)
    }
  }
}
