import EventLog
import Governance
import Temporal

/// The idempotency keys of a commit's batches, by which a later import knows the commit again.
struct CommitKey {
  let source: String
  let commit: String

  var whole: String { "\(source)/\(commit)" }
  func part(_ number: Int) -> String { "\(whole)/\(number)" }
}

/// Where in a history an import goes on.
struct Resumption {
  /// How many commits from the oldest are recorded.
  var known = 0
  /// The moment of the last of them.
  var lastEffective: Instant?
  /// The commit of which only parts are recorded, because an import was killed between them.
  var partial: String?
  /// How many those are.
  var parts = 0
}

extension PeribolosImport {
  /// Finds the last commit that is recorded: what the source wrote last names it.
  ///
  /// A commit's id is made from all before it, so the history goes on from that commit exactly if it has it.
  /// - Throws: ``ImportError/rewritten(source:commit:)`` where it has not.
  func resumption(
    of history: GitHistory, in destination: some ImportDestination
  ) throws(ImportError) -> Resumption {
    let keys: Set<String>
    let last: Instant?
    do {
      last = try destination.read { lastWrite(in: $0) }
      keys = try last.map { try destination.commandIDs(of: source, at: $0) } ?? []
    } catch { throw .unreadable("\(error)") }
    guard let last else { return Resumption() }
    let prefix = "\(source)/"
    let endings = keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count).split(separator: "/") }
    let places = Dictionary(history.commits.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var resumption = Resumption()
    for commit in Set(endings.compactMap { $0.first.map(String.init) }).sorted() {
      guard let place = places[commit] else { throw .rewritten(source: source, commit: commit) }
      guard place >= resumption.known else { continue }
      let parts = endings.filter { $0.first.map(String.init) == commit }
      let isWhole = parts.contains { $0.count == 1 }
      resumption = Resumption(
        known: isWhole ? place + 1 : place, lastEffective: last, partial: isWhole ? nil : commit,
        parts: parts.compactMap { $0.count == 2 ? Int($0[1]) : nil }.max() ?? 0)
    }
    return resumption
  }

  /// The latest moment at which one of the source's commits takes effect.
  private func lastWrite(in world: some World) -> Instant? {
    var last: Instant?
    for fact in world.facts(from: source) {
      switch fact {
      case .coverage, .coverageGap: continue
      default: break
      }
      for entry in world.entries(of: fact) where entry.source.isExactly(source) {
        last = max(last ?? entry.moment.effective, entry.moment.effective)
      }
    }
    return last
  }
}
