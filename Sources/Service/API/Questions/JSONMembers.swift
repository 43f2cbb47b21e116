import AccessGraph
import Governance
import JSON
import Temporal

/// Members as every answer writes them: instants as text, and `null` for what is not there.
extension JSONWriter {
  mutating func member(_ name: String, _ text: String?) {
    key(name)
    if let text { string(text) } else { null() }
  }

  mutating func member(_ name: String, _ number: Int64?) {
    key(name)
    if let number { integer(number) } else { null() }
  }

  mutating func member(_ name: String, _ flag: Bool) {
    key(name)
    bool(flag)
  }

  mutating func member(_ name: String, _ instant: Instant?) {
    key(name)
    if let instant { plainString { instant.append(to: &$0) } } else { null() }
  }

  mutating func member(_ name: String, _ intervals: IntervalSet) {
    key(name)
    beginArray()
    for interval in intervals.intervals {
      beginObject()
      member("from", interval.from)
      member("to", interval.to)
      endObject()
    }
    endArray()
  }

  mutating func member(_ name: String, _ values: [JSONValue]) {
    key(name)
    value(.array(values))
  }

  /// A member whose value is a list of objects, of which the body writes the members.
  mutating func list<Item>(_ name: String, _ items: some Sequence<Item>, _ write: (inout JSONWriter, Item) -> Void) {
    key(name)
    beginArray()
    for item in items {
      beginObject()
      write(&self, item)
      endObject()
    }
    endArray()
  }
}

/// What many answers begin with: the moment or the stretch, the position, and what sources vouch for.
extension JSONWriter {
  mutating func write(_ view: Viewpoint, _ position: Int64, _ coverage: Coverage) {
    write(view, position)
    write(coverage)
  }

  mutating func write(_ view: Viewpoint, _ position: Int64) {
    member("at", view.at)
    member("as_known_at", view.asKnownAt)
    member("position", position)
  }

  mutating func write(_ during: Interval, _ asKnownAt: Int64, _ position: Int64, _ coverage: Coverage) {
    member("from", during.from)
    member("to", during.to)
    member("as_known_at", asKnownAt)
    member("position", position)
    write(coverage)
  }

  mutating func write(_ coverage: Coverage) {
    key("coverage")
    beginObject()
    member("sources", coverage.sources.map { .string($0) })
    member("complete", coverage.isComplete)
    member("reason", coverage.reason)
    endObject()
  }
}
