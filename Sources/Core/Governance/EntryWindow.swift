/// The entries of a fact that say all there is to say of its changes between two moments.
///
/// What an entry comes to follows from its neighbours: it lasts until the next that begins or ends the fact, what an extension
/// extends is the value before it, and an existence goes back to where it began without a break. So to the entries between the
/// moments belong the last before them that begins or ends the fact, with what extends it, and the first after them that nothing
/// before can reach beyond: that begins or ends the fact, of an existence that ends it.
public struct EntryWindow: Hashable, Sendable {
  /// The entries, ordered by moment.
  public var entries: [Entry] = []
  /// Of an existence: where it began without a break, at the first entry; nil where it does not exist there.
  public var since: Moment?
  /// Whether the last entry only bounds the others: what it comes to itself depends on entries behind it.
  public var isBounded = false

  /// A window; what is left out is empty.
  public init(entries: [Entry] = [], since: Moment? = nil, isBounded: Bool = false) {
    (self.entries, self.since, self.isBounded) = (entries, since, isBounded)
  }
}

/// Finds where a window begins and ends, entry by entry in the order of moments.
public struct EntryWindowFinder {
  /// What an entry is to the window.
  public enum Place {
    /// The window begins here, unless it begins at a later one.
    case first
    case inside
    /// The window ends here.
    case last
  }

  private let moments: ClosedRange<Moment>
  private let isExistence: Bool
  private var run: Moment?
  /// Of an existence: where it began without a break, at the first entry of the window.
  public private(set) var since: Moment?

  /// Looks for the window around some moments of a fact.
  public init(_ moments: ClosedRange<Moment>, of fact: Fact) {
    self.moments = moments
    if case .existence = fact { isExistence = true } else { isExistence = false }
  }

  /// Where the next entry lies.
  ///
  /// - Parameters:
  ///   - moment: that of the entry.
  ///   - begins: whether it begins the fact.
  ///   - ends: whether it ends the fact.
  public mutating func place(of moment: Moment, begins: Bool, ends: Bool) -> Place {
    if moment < moments.lowerBound {
      guard begins || ends else { return .inside }
      if isExistence {
        run = begins ? run ?? moment : nil
        since = run
      }
      return .first
    }
    return moment > moments.upperBound && (ends || (begins && !isExistence)) ? .last : .inside
  }
}

extension EntryWindow {
  /// The window around some moments, picked out of all visible entries of a fact.
  ///
  /// O(entries).
  public init(of fact: Fact, among entries: [Entry], around moments: ClosedRange<Moment>) {
    self.init()
    var finder = EntryWindowFinder(moments, of: fact)
    for entry in entries {
      var begins = false
      if case .begins = entry.effect { begins = true }
      let place = finder.place(of: entry.moment, begins: begins, ends: entry.effect == .ends)
      if place == .first { self.entries = [] }
      self.entries.append(entry)
      if place == .last {
        isBounded = true
        break
      }
    }
    since = finder.since
  }
}

extension World {
  /// The window of a fact's entries around some moments; O(entries), for whoever has nothing better.
  public func entries(of fact: Fact, around moments: ClosedRange<Moment>) -> EntryWindow {
    EntryWindow(of: fact, among: entries(of: fact), around: moments)
  }
}
