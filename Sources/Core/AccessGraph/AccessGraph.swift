import Conditions
public import Governance
import JSON
import Memory
import Temporal

/// The bitemporal graph of one tenant, folded from its log; it answers for every (t, k) up to its position.
///
/// Its own multiversion store: every entry carries its position and readers ignore what lies above theirs, so nothing is
/// copied to publish. Beside the entries stand edges, what the entries come to as known at the last applied position; a
/// reader who knows less finds out by the position of the last change and asks the entries there. Not safe for concurrent use
/// by itself: its owner lets readers share it and gives `apply`, `publish` and `undo` exclusive access. Memory: under 200
/// bytes an event beside the texts of ids.
public final class AccessGraph {
  let texts = Texts()
  let nodes = Chunks<NodeRecord>()
  /// The texts of the nodes once more, closer together: whoever names many needs no more of them.
  let nodeTexts = Chunks<Int32>()
  let facts = Chunks<FactRecord>()
  let entries = Chunks<EntryRecord>()
  let bareEvents = Chunks<BareEvent>()
  let grants = Chunks<GrantRecord>()
  let edges = Lists<Edge, ListState>()
  /// Facts: the details of nodes, and what a source wrote.
  let factLists = Lists<Int32, NoNote>()
  var timeIndexes: [TimeIndex] = []

  var roles: [CompiledRole] = []
  var policies: [CompiledPolicy] = []
  var requests: [AccessRequest] = []
  let credentials = Chunks<CredentialRecord>()
  /// The lists of the credentials that ever named an end.
  var credentialLists: [CredentialEndKey: Int32] = [:]
  /// The lists of the requests that somebody ever approved, by the text of who did; in the order in which they came.
  var approvalLists: [Int32: Int32] = [:]
  var approvers: [Int32] = []
  var findings: [CompactFinding] = []
  var reviews: [Review] = []
  var reviewItems: [ReviewItemState] = []
  var attributes: [AttributeValue] = []
  var conditions: [Condition] = []
  /// Whether a role ever denied something, or a policy; while none did, nothing needs to be looked up.
  var hasDenyPermissions = false
  var hasRestrictingPolicies = false
  /// Whether there ever was an elevation policy; while there was none, nobody is eligible.
  var hasElevationPolicies = false
  var gaps: [GapKey] = []

  let nodeNumbers = NumberTable()
  let factNumbers = NumberTable()
  var gapNumbers: [GapKey: Int32] = [:]
  /// The lists of resource paths.
  let resources = Chunks<ResourceRecord>()
  let resourceNumbers = NumberTable()
  /// The lists of facts that sources ever wrote, by the text of the source.
  var factsBySource: [Int32: Int32] = [:]
  /// Facts that another source than their first wrote too.
  var furtherSources: Set<FactSource> = []
  /// The texts of the scopes that are exactly an identity; while there are none, nobody becomes anybody.
  var trustScopes: Set<Int32> = []
  var policyNodes: [Int32] = []
  var requestNodes: [Int32] = []
  var reviewNodes: [Int32] = []
  var roleNodes: [Int32] = []
  /// The roles that ever included a role directly, by that role; what is taken back stays.
  var includers: [Int32: Set<Int32>] = [:]
  var sourceNodes: [Int32] = []
  var identityNodes: [Int32] = []
  /// The built-in principals; `none` while nobody named them.
  var everyoneNode = none
  var authenticatedNode = none
  /// Identities that were external at some time.
  var externalNodes: Set<Int32> = []
  let identityOrder = IdentityOrder()
  let nameLists = NameLists()
  /// When losses were due, by their entry; while empty, nothing needs to be looked up.
  var dues: [Int32: Int64] = [:]
  var hasDueLosses: Bool { !dues.isEmpty }

  /// Names a fact and a source that wrote it.
  struct FactSource: Hashable {
    let fact: Int32
    let source: Int32
  }

  /// The last instant of recording: what lies beyond is dated ahead.
  var horizon = Int64.min

  /// The last position that readers may ask about.
  public private(set) var position: Int64 = 0

  /// The last position applied, published or not.
  public internal(set) var appliedPosition: Int64 = 0

  let indexLimits: IndexLimits

  /// An empty graph at position 0.
  ///
  /// - Parameter indexLimits: from when on lists are indexed by time. The default is what serves.
  public init(indexLimits: IndexLimits = IndexLimits()) {
    self.indexLimits = indexLimits
    let first = texts.number("*")
    assert(first == Self.everything)
    let builtIns = [texts.number(BuiltIn.everyone), texts.number(BuiltIn.authenticated)]
    assert(builtIns == [Self.everyoneText, Self.authenticatedText])
  }

  /// Applies the next event above the published position.
  ///
  /// Cannot fail, whatever the history says.
  ///
  /// - Precondition: the event's position is `appliedPosition + 1`.
  public func apply(_ event: Event) {
    let change = begin(
      event.position, effective: event.effectiveAt.microseconds, recorded: event.recordedAt.microseconds)
    let source = texts.number(event.source)
    let writes = event.writes
    for write in writes { insert(write, source, due: event.dueAt?.microseconds, change) }
    if writes.isEmpty { applyBare(event.change, change) }
  }

  /// Moves on to the next event.
  func begin(_ position: Int64, effective: Int64, recorded: Int64) -> ListChange {
    precondition(position == appliedPosition + 1, "events are applied in the order of their positions")
    appliedPosition = position
    horizon = max(horizon, recorded)
    return ListChange(position: position, effective: effective)
  }

  /// Lets readers ask about everything applied.
  public func publish() { position = appliedPosition }

  /// Lets readers ask about everything up to a position; what is applied above it stays tentative.
  public func publish(to target: Int64) {
    precondition(target >= position && target <= appliedPosition, "only what is applied can be published")
    position = target
  }

  /// Takes back everything above the published position.
  public func undo() { undo(to: position) }

  /// Takes back everything above a position that is not below the published one.
  public func undo(to target: Int64) {
    precondition(target >= position && target <= appliedPosition, "only what is not published can be taken back")
    while bareEvents.count > 0, bareEvents[bareEvents.count - 1].position > target {
      let undone = bareEvents.removeLast()
      if undone.voids > 0 { takeBackVoiding(of: undone.voids, by: undone.position, to: target) }
    }
    while entries.count > 0, entries[entries.count - 1].position > target { takeBackLastEntry(to: target) }
    appliedPosition = target
  }
}

/// Events that write nothing, and voidings.
extension AccessGraph {
  private func applyBare(_ change: Change, _ at: ListChange) {
    enter(BareEvent(change, position: at.position, effective: at.effective))
  }

  /// Enters an event that writes nothing; a voiding takes its effect.
  func enter(_ event: BareEvent) {
    bareEvents.append(event)
    guard event.voids > 0, canBeVoided(event.voids) else { return }
    setVoided(event.voids, by: event.position, ListChange(position: event.position, effective: event.effective))
  }

  /// Whether an event stands, and is not itself a voiding.
  private func canBeVoided(_ position: Int64) -> Bool {
    if let bare = bareEvent(at: position) { return bareEvents[bare].voided == never && bareEvents[bare].voids == 0 }
    return firstEntry(of: position).map { entries[$0].voided == never } ?? false
  }

  private func takeBackVoiding(of position: Int64, by voiding: Int64, to target: Int64) {
    let isItsOwn = bareEvent(at: position).map { bareEvents[$0].voided == voiding }
    guard isItsOwn ?? firstEntry(of: position).map({ entries[$0].voided == voiding }) ?? false else { return }
    setVoided(position, by: never, ListChange(position: target, effective: .min))
  }

  private func setVoided(_ position: Int64, by voiding: Int64, _ change: ListChange) {
    if let bare = bareEvent(at: position) {
      bareEvents[bare].voided = voiding
      return
    }
    guard var index = firstEntry(of: position) else { return }
    while index < entries.count, entries[index].position == position {
      entries[index].voided = voiding
      settle(entries[index].fact, change)
      if entries[index].effect == .ends { restoreEdges(afterEndOf: entries[index].fact, change) }
      index += 1
    }
  }

  /// The first entry of an event; nil where it has none.
  ///
  /// O(log entries).
  func firstEntry(of position: Int64) -> Int? {
    let index = firstPlace(in: 0..<entries.count) { entries[$0].position >= position }
    return index < entries.count && entries[index].position == position ? index : nil
  }

  /// The place of an event that wrote nothing; nil where it wrote something.
  func bareEvent(at position: Int64) -> Int? {
    let index = firstPlace(in: 0..<bareEvents.count) { bareEvents[$0].position >= position }
    return index < bareEvents.count && bareEvents[index].position == position ? index : nil
  }
}

/// The first place of a range at which the test holds, or its end; it must hold for all that come after one for which it does.
@inline(__always) func firstPlace(in range: Range<Int>, where holds: (Int) -> Bool) -> Int {
  var low = range.lowerBound
  var high = range.upperBound
  while low < high {
    let middle = (low + high) / 2
    if holds(middle) { high = middle } else { low = middle + 1 }
  }
  return low
}
