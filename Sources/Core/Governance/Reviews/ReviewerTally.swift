/// Counts item by item what each reviewer has to decide, and leaves nobody out, however many may decide about one item.
///
/// To ask every reviewer about every item would take reviewers × items. Counted is instead by whom a rule names: all of them have the
/// item, and less it have those whom it concerns, who are looked up by what stands behind them.
public struct ReviewerTally<W: World> {
  private let choice: ReviewerChoice<W>
  private var named: [[Entity]: Named<W>] = [:]

  /// A tally without items.
  ///
  /// - Parameter choice: who may review; its `witness` must know the items that are added next.
  public init(_ choice: ReviewerChoice<W>) { self.choice = choice }

  /// Counts an item for everybody who may decide it: those of the first rule that leads to anybody who may.
  ///
  /// O(those who hold it, and reviewers whom it concerns).
  public mutating func add(_ found: PopulationItem, _ state: ReviewItemState?) {
    for (_, principals) in choice.routes(of: found, state) where !principals.isEmpty {
      let reviewers = named[principals] ?? Named(principals, choice)
      named[principals] = reviewers
      if reviewers.add(found) { return }
    }
  }

  /// Who has how many items to decide, whoever has most first.
  public var loads: [ReviewReminder.Load] {
    var items: [Entity: Int64] = [:]
    for reviewers in named.values { reviewers.addLoads(to: &items) }
    let sorted = items.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
    return sorted.map { ReviewReminder.Load(reviewer: $0.key.id, items: $0.value) }
  }
}

/// Those whom a rule names for some items, by their place in one list.
private final class Named<W: World> {
  private let choice: ReviewerChoice<W>
  private let reviewers: [Entity]
  /// Those who may review nothing.
  private let inactive: Set<Int>
  /// Behind whom, by any account, each entity stands; and behind whom or above whom.
  private var bySelf: [Entity: [Int]] = [:]
  private var bySelfOrSuperior: [Entity: [Int]] = [:]
  /// Whom the items of a group concern: it may have many members, and many items.
  private var concernedByGroup: [Entity: Set<Int>] = [:]
  /// Items of all of them, and for each those that are not his.
  private var items: Int64 = 0
  private var without: [Int64]

  init(_ principals: [Entity], _ choice: ReviewerChoice<W>) {
    self.choice = choice
    reviewers = Set(principals.flatMap(choice.members).map { Entity.identity($0) }).sorted()
    without = Array(repeating: 0, count: reviewers.count)
    inactive = Set(reviewers.indices.filter { [reviewers] in !choice.world.isActive(reviewers[$0].id, at: choice.now) })
    for (index, reviewer) in reviewers.enumerated() where !inactive.contains(index) {
      let selves = choice.selves(of: reviewer)
      for entity in selves { bySelf[entity, default: []].append(index) }
      for entity in selves.union(choice.superiors(of: reviewer)) { bySelfOrSuperior[entity, default: []].append(index) }
    }
  }

  /// Counts an item for all of them who may decide it.
  ///
  /// - Returns: whether anybody may.
  func add(_ found: PopulationItem) -> Bool {
    var excluded = inactive
    if let principal = found.principal {
      excluded.formUnion(concerned(principal))
      for entity in givers(of: found) { excluded.formUnion(bySelf[entity] ?? []) }
    }
    if excluded.count == reviewers.count { return false }
    items += 1
    for index in excluded { without[index] += 1 }
    return true
  }

  private func concerned(_ principal: Entity) -> Set<Int> {
    if let known = concernedByGroup[principal] { return known }
    let found = choice.interested(in: principal).reduce(into: Set<Int>()) { $0.formUnion(bySelfOrSuperior[$1] ?? []) }
    if principal.kind == .group { concernedByGroup[principal] = found }
    return found
  }

  /// Those who stand behind who granted it, extended it or approved either.
  private func givers(of found: PopulationItem) -> Set<Entity> {
    let events = choice.world.grantPositions(of: found).compactMap { choice.witness[$0] }
    let givers = events.flatMap(\.authors) + choice.world.approvals(of: found, at: choice.now)
    return givers.reduce(into: Set<Entity>()) { $0.formUnion(choice.selves(of: .identity($1))) }
  }

  func addLoads(to loads: inout [Entity: Int64]) {
    for (index, reviewer) in reviewers.enumerated() where items > without[index] {
      loads[reviewer, default: 0] += items - without[index]
    }
  }
}
