import Governance
import Temporal

/// The order of records of one second, which is all that a trail says of time: by cause, then by id.
enum TrailOrder {
  /// Sorts the readings of one second.
  ///
  /// What both begins and ends in a second began first, unless it was there before: then it ended first, with all that hung on it.
  /// - Parameter isHeld: whether something holds just before the second.
  static func sorted(_ readings: [TrailReading], isHeld: (TrailToggle.Subject) -> Bool) -> [TrailReading] {
    // A state has no order of cause, and comes in that of its reading.
    if readings.count < 2 || readings[0].isState { return readings }
    let toggles = readings.map { $0.steps.compactMap(\.toggle) }
    let all = toggles.joined()
    let ons = Set(all.filter(\.isOn).map(\.subject))
    let both = Set(all.filter { !$0.isOn && ons.contains($0.subject) }.map(\.subject))
    let replaced = both.filter(isHeld)
    var ended: Set<Entity> = []
    for case .exists(let entity) in replaced { ended.insert(entity) }
    let keyed = readings.enumerated().map { index, reading in
      let comesFirst = toggles[index].contains { toggle in
        !toggle.isOn && (replaced.contains(toggle.subject) || toggle.about.map(ended.contains) ?? false)
      }
      return (rank: comesFirst ? reading.rank - ranks : reading.rank, reading: reading)
    }
    return keyed.sorted { a, b in
      a.rank != b.rank ? a.rank < b.rank : a.reading.record.id.precedes(b.reading.record.id)
    }.map(\.reading)
  }

  /// More than there are ranks.
  private static let ranks = 100
}
