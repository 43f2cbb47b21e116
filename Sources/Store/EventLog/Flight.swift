import Dispatch
import Postgres
import Relations

/// A transaction on its way to the disk, and what was decided in it.
struct Flight {
  /// What became of it: a sign that the relation tables were damaged before, if there is one; or why nothing is certain.
  typealias Landing = Result<RelationsDamage?, any Error>

  private(set) var round: Round

  init(_ round: Round) { self.round = round }

  /// The head that it makes.
  var head: Head { round.verdicts.head }

  /// Publishes it where it came through, and takes everything back where that is not certain.
  ///
  /// The answers come later.
  ///
  /// - Parameters:
  ///   - next: what was decided above it meanwhile, which stays tentative.
  ///   - landing: what became of it.
  /// - Returns: how it failed; nil if it came through.
  mutating func land(keeping next: Round, _ landing: Landing) -> Round.Outcome? {
    switch landing {
    case .success(let damage):
      round.verdicts.damage = damage
      round.appender.replica.publish(head, keeping: next.verdicts.batches.lazy.flatMap(\.events).map(\.event))
      return nil
    case .failure(let error):
      return round.failed(error)
    }
  }

  /// Answers everyone.
  func answer() { round.finish(round.verdicts) }
}
