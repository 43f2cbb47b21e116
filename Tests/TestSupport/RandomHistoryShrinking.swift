public import Governance
import JSON
import Temporal

extension RandomHistory {
  /// A smaller log for which the test still fails: events are left out, in halves and then one by one, as long as it does.
  ///
  /// Positions stay contiguous, and voidings follow their targets; the voiding of an event that is left out goes with it.
  /// An event keeps its `eventID`, by which `fails` can tell which positions of the original are still there.
  public static func shrink(_ events: [Event], while fails: ([Event]) -> Bool) -> [Event] {
    var smallest = events
    var size = max(1, events.count / 2)
    while true {
      var start = 0
      var progressed = false
      while start < smallest.count {
        let candidate = leavingOut(start..<min(start + size, smallest.count), of: smallest)
        if fails(candidate) {
          smallest = candidate
          progressed = true
        } else {
          start += size
        }
      }
      if size == 1, !progressed { return smallest }
      size = max(1, size / 2)
    }
  }

  private static func leavingOut(_ range: Range<Int>, of events: [Event]) -> [Event] {
    var gone = Set(range.map { events[$0].position })
    var newPosition: [Int64: Int64] = [:]
    var kept: [Event] = []
    for event in events {
      if case .eventVoided(let target) = event.change, gone.contains(target) { gone.insert(event.position) }
      if gone.contains(event.position) { continue }
      var event = event
      newPosition[event.position] = Int64(kept.count) + 1
      event.position = Int64(kept.count) + 1
      if case .eventVoided(let target) = event.change, let moved = newPosition[target] {
        event.change = .eventVoided(position: moved)
      }
      kept.append(event)
    }
    return kept
  }

  /// A log for people: one event a line, instants as hours of the grid.
  public static func describe(_ events: [Event]) -> String {
    func hour(_ instant: Instant) -> String {
      let hours = Universe.instant(0).distance(to: instant) / 3_600_000_000
      let rest = Universe.instant(0).distance(to: instant) % 3_600_000_000
      return rest == 0 ? "h\(hours)" : "h\(hours)\(rest > 0 ? "+" : "")\(rest)µs"
    }
    return events.map { event in
      let end = event.change.ownEnd.map { " until \(hour($0))" } ?? ""
      let due = event.dueAt.map { " due \(hour($0))" } ?? ""
      return
        "\(event.position)\t\(hour(event.effectiveAt))\(due)\(end)\t\(event.change.type) \(event.change.data.canonicalText)"
    }.joined(separator: "\n")
  }
}
