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
}
