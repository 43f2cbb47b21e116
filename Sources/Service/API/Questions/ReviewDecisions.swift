import AccessGraph
import EventLog
public import Governance
import Temporal

/// The commands by which somebody decides several items of a review at once.
public struct ManyDecisions: Sendable {
  /// One command for each item, in the order of their numbers.
  public var commands: [Command]
  /// The number of the next item that could be decided so; nil where there is none.
  public var next: Int?
}

extension Questions {
  /// The commands that decide, in one batch, the undecided items that a filter admits and the reviewer may decide; nil where there is
  /// no such review.
  ///
  /// O(items looked at until there are so many): to decide all of a large review is to ask for the first, and again from the next on.
  ///
  /// - Parameters:
  ///   - number: the number of the first item looked at.
  ///   - limit: how many commands at the most: what one batch may have.
  public func decisions(
    inAll filter: ReviewFilter, of id: String, _ choice: ReviewChoice, by reviewer: String, authority: Authority,
    from number: Int = 1, limit: Int = Limits.commandsPerBatch
  ) throws -> ManyDecisions? {
    guard let (review, _) = try frozenReview(id, at: nil, asKnownAt: .head) else { return nil }
    var filter = filter
    filter.reviewer = reviewer
    let reader = ReviewReader(tenant, review, by: reviewer)
    var found = ManyDecisions(commands: [], next: nil)
    try reader.forEachSlice(from: number, of: Self.itemsPerLook) { numbers in
      let rows = try reader.rows(numbers) { $0.decisionState.isAwaited && $0.present != nil && filter.admitsStanding($0) }
      let shown = try shown(rows, of: review, reader.witness, assessing: filter.recommendation != nil)
      for item in shown where filter.admits(item) {
        if found.commands.count == limit {
          found.next = item.row.number
          return false
        }
        let order = ReviewItemOrder(digest: item.row.current.digest, choice: choice, isBulk: true)
        found.commands.append(
          Command(.reviewItem(review: id, item.row.current.item, .decided, by: reviewer, order, nil), authority: authority))
      }
      return true
    }
    return found
  }

  /// Those of some decisions whose grant is still as whoever decides saw it: what has ended or changed since is nobody's decision, and
  /// keeps none of the others from being made.
  ///
  /// - Throws: `Refusal` where none is left.
  public func stillAsSeen(_ commands: [Command]) throws -> [Command] {
    var left: [Command] = []
    for first in stride(from: 0, to: commands.count, by: Self.itemsPerLook) {
      left += try ask(nil, .head) { graph, view in
        let world = graph.world(asKnownAt: view.asKnownAt)
        return commands[first..<min(first + Self.itemsPerLook, commands.count)].filter { command in
          guard case .reviewItem(_, let item, _, _, let order?, _) = command.change, let seen = order.digest else {
            return true
          }
          return world.reviewItem(item, at: view.at)?.digest.isExactly(seen) ?? false
        }
      }
    }
    if left.isEmpty { throw Refusal(.noChange, "all that was to be decided has ended or changed meanwhile") }
    return left
  }

  /// A reminder of what everybody has to decide now; nil where there is no such review.
  ///
  /// O(items).
  public func reminder(of id: String) throws -> ReviewReminder? {
    let (view, standing) = try ask(nil, .head) { graph, view in
      (view, graph.world(asKnownAt: view.asKnownAt).review(id, at: view.at))
    }
    guard let standing, let outstanding = try tenant.outstanding(in: id, from: view) else { return nil }
    let left = max(0, view.at.distance(to: standing.progress.deadline))
    return ReviewReminder(daysBefore: left / 86_400_000_000, outstanding: outstanding)
  }

  /// The number of the item of a review that the last of some events decided; nil where none did.
  func lastDecided(of id: String, by events: [Int64]) throws -> Int? {
    let last = try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      return events.last { world.event(at: $0)?.type == ReviewItemStep.decided.eventType }
    }
    guard let last, let event = try tenant.events(at: [last]).first?.event,
      case .reviewItem(_, let item, _, _, _, _) = event.change,
      let (review, _) = try frozenReview(id, at: nil, asKnownAt: .head)
    else { return nil }
    return review.number(of: item)
  }

  /// How many of some events decided an item.
  func countDecided(by events: [Int64]) throws -> Int {
    try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      return events.count { world.event(at: $0)?.type == ReviewItemStep.decided.eventType }
    }
  }
}
