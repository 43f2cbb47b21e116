/// The statements that a connection has prepared: at most so many, the one unused for longest forgotten first.
struct StatementCache {
  /// A prepared statement holds a plan in the server's memory for as long as its connection lives; an application has fewer
  /// texts than this, so only text made at run time is ever evicted.
  static let maximumStatements = 256

  /// The same text with other parameter types is another statement.
  struct Key: Hashable {
    let text: String
    let types: [UInt32]
  }

  private struct Entry {
    let name: String
    var lastUse: UInt64
  }

  private var entries: [Key: Entry] = [:]
  private var uses: UInt64 = 0
  private var namesGiven: UInt64 = 0

  var count: Int { entries.count }

  /// The name that a statement was prepared under; `nil` if it is not prepared.
  mutating func name(for key: Key) -> String? {
    uses += 1
    guard let index = entries.index(forKey: key) else { return nil }
    entries.values[index].lastUse = uses
    return entries.values[index].name
  }

  /// A name that no statement of this connection has had.
  mutating func newName() -> String {
    namesGiven += 1
    return "tenure_\(namesGiven)"
  }

  /// Notes that a statement is prepared; gives back the name of one to deallocate, if one had to make room.
  mutating func insert(_ key: Key, name: String) -> String? {
    uses += 1
    var evicted: String?
    if entries.count >= Self.maximumStatements, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      evicted = oldest.value.name
      entries[oldest.key] = nil
    }
    entries[key] = Entry(name: name, lastUse: uses)
    return evicted
  }

  /// Forgets a statement and gives back its name.
  mutating func remove(_ key: Key) -> String? {
    entries.removeValue(forKey: key)?.name
  }
}
