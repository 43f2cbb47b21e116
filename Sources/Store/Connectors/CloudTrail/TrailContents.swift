import Governance
import JSON
import Temporal

/// The records of all files, each once, in the order of time.
///
/// Those that changed something are kept as they are. Of the others, which are most, only what they are as usage: some 40 bytes
/// each, with the texts that they share beside them.
struct TrailContents {
  /// A record: when, which, and the numbers of who did it and what was done.
  struct Use {
    let at: Instant
    let id: TrailRecordID
    let who: Int32
    let what: Int32
    /// The place of the whole record, where it changed something; else -1.
    var change: Int32
  }

  private(set) var uses: [Use] = []
  private(set) var duplicates = 0
  /// Records of unusual numbers of calls, which repeat what others tell.
  private(set) var insights = 0
  private(set) var invalid: [TrailError] = []
  private(set) var accounts: Set<String> = []
  /// The places of each account's uses, in the order of time: an organisation's trail is of hundreds of accounts.
  private var places: [String: [Int32]] = [:]
  /// The ARNs of the names in the records, and of those in the log.
  let names: TrailNames
  private var changes: [TrailRecord] = []
  private var people = TrailPeople()
  private var whats = TrailTable<TrailWhat>()

  /// Reads files, without keeping more of a record than is used.
  ///
  /// - Parameters:
  ///   - latest: the last instant that a record may have.
  ///   - known: the names that the log has.
  ///   - skipsInvalid: whether a file or record that cannot be read is passed over and told, instead of ending it all.
  ///   - progress: called after each file with the files read so far.
  /// - Throws: ``TrailError``.
  init(
    _ files: TrailFiles, through latest: Instant, knowing known: TrailNames, skipsInvalid: Bool, progress: (Int) -> Void
  ) throws(TrailError) {
    var intake = TrailIntake(latest: latest, names: known, skipsInvalid: skipsInvalid)
    for (index, path) in files.paths.enumerated() {
      try intake.read(path)
      progress(index + 1)
    }
    (duplicates, insights, invalid, accounts) = (intake.duplicates, intake.insights, intake.invalid, intake.accounts)
    (changes, people, whats) = (intake.changes, intake.people, intake.whats)
    intake.names.learnRenamed(changes)
    (names, uses) = (intake.names, intake.uses)
    intake = TrailIntake(latest: latest, names: TrailNames(), skipsInvalid: false)
    uses.sort { a, b in a.at != b.at ? a.at < b.at : a.id.precedes(b.id) }
    for (place, use) in uses.enumerated() { places[people.actor(use.who).account, default: []].append(Int32(place)) }
  }

  /// The uses of an account's trail, in the order of time.
  func uses(of account: String) -> some RandomAccessCollection<Use> {
    (places[account] ?? []).lazy.map { uses[Int($0)] }
  }

  /// A use as a record; without what it asked and was answered where it changed nothing.
  func record(_ use: Use) -> TrailRecord {
    if use.change >= 0 { return changes[Int(use.change)] }
    return TrailRecord(use, people[use.who], whats[use.what])
  }

  /// The number of who did it, from wherever.
  func actor(_ use: Use) -> Int32 { people.number(ofActor: use.who) }

  /// The account whose trail tells it.
  func account(_ use: Use) -> String { people.actor(use.who).account }

  /// Who did it.
  func identity(_ use: Use) -> TrailIdentity { people.actor(use.who).identity }

  /// With what a use was; nil where that is not known.
  func resource(_ use: Use) -> TrailResource? { whats[use.what].resource }
}

/// A record's id in little room: most are UUIDs.
enum TrailRecordID: Hashable {
  case uuid(UInt64, UInt64)
  case text(String)

  init(_ text: String) {
    var halves: (UInt64, UInt64) = (0, 0)
    var digits = 0
    var index = 0
    for byte in text.utf8 {
      defer { index += 1 }
      if [8, 13, 18, 23].contains(index) {
        guard byte == UInt8(ascii: "-") else { break }
        continue
      }
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      default:
        self = .text(text)
        return
      }
      if digits < 16 { halves.0 = halves.0 << 4 | UInt64(digit) } else { halves.1 = halves.1 << 4 | UInt64(digit) }
      digits += 1
    }
    self = digits == 32 && index == 36 ? .uuid(halves.0, halves.1) : .text(text)
  }

  var text: String {
    switch self {
    case .text(let text): return text
    case .uuid(let high, let low):
      func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
      }
      let digits = Array(hexadecimal(high) + hexadecimal(low))
      return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
  }

  /// The order of the bytes of their texts.
  func precedes(_ other: Self) -> Bool {
    if case .uuid(let a, let b) = self, case .uuid(let c, let d) = other { return (a, b) < (c, d) }
    return text.precedes(other.text)
  }

  static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.uuid(let a, let b), .uuid(let c, let d)): a == c && b == d
    case (.text(let a), .text(let b)): a.isExactly(b)
    default: false
    }
  }
}

/// Who did something, and from where.
struct TrailWho {
  var identity: TrailIdentity
  var account: String
  var address: String?
  var agent: String?
}

/// Those who did something, and from where: few people, some thousands of addresses and programs, and any number of the three together.
struct TrailPeople {
  struct Actor: Hashable {
    var identity: TrailIdentity
    var account: String
  }

  private struct Numbers: Hashable {
    let actor: Int32
    let address: Int32
    let agent: Int32
  }

  private var actors = TrailTable<Actor>()
  private var texts = TrailTable<String?>()
  private var whos = TrailTable<Numbers>()

  mutating func number(_ who: TrailWho) -> Int32 {
    let actor = actors.number(Actor(identity: who.identity, account: who.account))
    return whos.number(Numbers(actor: actor, address: texts.number(who.address), agent: texts.number(who.agent)))
  }

  subscript(number: Int32) -> TrailWho {
    let (who, actor) = (whos[number], actor(number))
    return TrailWho(identity: actor.identity, account: actor.account, address: texts[who.address], agent: texts[who.agent])
  }

  func number(ofActor who: Int32) -> Int32 { whos[who].actor }

  func actor(_ who: Int32) -> Actor { actors[whos[who].actor] }
}

/// What was done, with what, and what came of it.
struct TrailWhat: Hashable {
  var service: String
  var name: String
  var errorCode: String?
  var outcome: TrailRecord.Outcome
  var isReadOnly: Bool
  var resource: TrailResource?
}

/// Equal things under one number.
struct TrailTable<Thing: Hashable> {
  private var numbers: [Thing: Int32] = [:]
  private var things: [Thing] = []

  mutating func number(_ thing: Thing) -> Int32 {
    if let number = numbers[thing] { return number }
    let number = Int32(things.count)
    numbers[thing] = number
    things.append(thing)
    return number
  }

  subscript(number: Int32) -> Thing { things[Int(number)] }

  /// Forgets the numbers by their things, for when nothing more comes.
  mutating func close() { numbers = [:] }
}

/// The files' records while they are being read.
private struct TrailIntake {
  let latest: Instant
  var names: TrailNames
  let skipsInvalid: Bool
  var uses: [TrailContents.Use] = []
  var changes: [TrailRecord] = []
  var people = TrailPeople()
  var whats = TrailTable<TrailWhat>()
  var accounts: Set<String> = []
  var (duplicates, insights) = (0, 0)
  var invalid: [TrailError] = []
  private var ids: Set<TrailRecordID> = []

  init(latest: Instant, names: TrailNames, skipsInvalid: Bool) {
    (self.latest, self.names, self.skipsInvalid) = (latest, names, skipsInvalid)
  }

  mutating func read(_ path: String) throws(TrailError) {
    do throws(TrailError) { try take(path) } catch { try refuse(error) }
  }

  private mutating func take(_ path: String) throws(TrailError) {
    let owner = TrailFiles.owner(of: path)
    var number = 0
    try TrailFiles.forEachRecord(at: path) { found throws(TrailError) in
      number += 1
      switch found {
      case .unreadable(let problem): try refuse(TrailError(path, record: number, problem))
      case .record(let document) where Self.isInsight(document): insights += 1
      case .record(let document):
        let record: TrailRecord
        do throws(JSONFieldError) { record = try self.record(document, owner) } catch {
          return try refuse(TrailError(path, record: number, error.description))
        }
        try take(record, path)
      }
    }
  }

  private static func isInsight(_ document: JSONValue) -> Bool {
    document["eventCategory"]?.stringValue == "Insight" || document["eventType"]?.stringValue == "AwsCloudTrailInsight"
  }

  private func record(_ document: JSONValue, _ owner: String?) throws(JSONFieldError) -> TrailRecord {
    let record = try TrailRecord(document, owner: owner)
    if record.at > latest {
      throw JSONFieldError(pointer: "/eventTime", problem: "must not lie more than an hour ahead of the present")
    }
    return record
  }

  /// Passes over what cannot be read, or ends it all.
  private mutating func refuse(_ error: TrailError) throws(TrailError) {
    guard skipsInvalid else { throw error }
    note(error)
  }

  private mutating func note(_ error: TrailError) {
    // The first tell what is wrong; a report of a million lines tells nothing.
    if invalid.count < TrailLimits.remarks { invalid.append(error) }
  }

  private mutating func take(_ record: TrailRecord, _ path: String) throws(TrailError) {
    let id = TrailRecordID(record.id)
    guard ids.insert(id).inserted else {
      duplicates += 1
      return
    }
    guard uses.count < TrailLimits.records else {
      throw TrailError(path, "is one of files with more than \(TrailLimits.records) records; import them in parts")
    }
    names.learn(record)
    accounts.insert(record.account)
    let reader = TrailReader(names: names)
    let who = TrailWho(
      identity: record.identity, account: record.account, address: record.address, agent: record.agent)
    let what = TrailWhat(
      service: record.service, name: record.name, errorCode: record.errorCode, outcome: record.outcome,
      isReadOnly: record.isReadOnly, resource: reader.resource(record))
    // Which ids a change is about may be told by records that come later; that it is one, never.
    let changesSomething = !reader.steps(record).isEmpty
    if changesSomething { changes.append(record) }
    uses.append(
      TrailContents.Use(
        at: record.at, id: id, who: people.number(who), what: whats.number(what),
        change: changesSomething ? Int32(changes.count - 1) : -1))
  }
}

extension TrailRecord {
  /// A record that changed nothing, as much of it as is kept.
  fileprivate init(_ use: TrailContents.Use, _ who: TrailWho, _ what: TrailWhat) {
    (id, at, account, identity) = (use.id.text, use.at, who.account, who.identity)
    (service, name, region) = (what.service, what.name, "")
    (address, agent) = (who.address, who.agent)
    (outcome, errorCode, isReadOnly, resources) = (what.outcome, what.errorCode, what.isReadOnly, [])
  }
}
