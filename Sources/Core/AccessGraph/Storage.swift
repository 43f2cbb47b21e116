import Governance
import JSON
import Temporal

/// "Never" and "no end" in flat storage: later than every instant and every position.
let never = Int64.max

/// A string as a key, equal exactly if its bytes are.
struct ExactText: Hashable {
  let text: String
  static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }
}

/// Strings as small integers, given out in order and never taken back.
struct Interner {
  private(set) var texts: [String] = []
  private var numbers: [ExactText: Int32] = [:]

  mutating func number(_ text: String) -> Int32 {
    if let number = numbers[ExactText(text: text)] { return number }
    let number = Int32(texts.count)
    texts.append(text)
    numbers[ExactText(text: text)] = number
    return number
  }

  func find(_ text: String) -> Int32? { numbers[ExactText(text: text)] }

  subscript(number: Int32) -> String { texts[Int(number)] }
}

/// An entity in the graph, with the facts that have it as an end, by what the fact says of it.
struct Node {
  let entity: Entity
  /// The fact of its existence.
  let existence: Int32
  /// Memberships whose group this is.
  var members: [Int32] = []
  /// Memberships whose member this is.
  var groups: [Int32] = []
  /// Assignments whose principal this is.
  var assignments: [Int32] = []
  /// Assignments whose role this is.
  var grants: [Int32] = []
  /// Links in which this is the account, or the person.
  var links: [Int32] = []
  /// Attributes, suspension, coverage and gaps.
  var details: [Int32] = []
}

/// What kind of fact a record holds; `a` and `b` mean what the kind says.
enum FactKind: UInt8 {
  /// a: node.
  case existence
  /// a: node, b: name.
  case attribute
  /// a: node.
  case suspension
  /// a: node of the account.
  case link
  /// a: node of the group, b: node of the member.
  case membership
  /// a: text of the id.
  case assignment
  /// a: node of the source, b: text of the resource.
  case coverage
  /// a: node of the source, b: index of the gap.
  case gap
}

/// Identifies a fact.
struct FactKey: Hashable {
  let kind: FactKind
  let a: Int32
  let b: Int32
}

/// A fact: its key and its entries, a list in the order of the fold.
struct FactRecord {
  let key: FactKey
  var first: Int32 = -1
  var last: Int32 = -1
  /// Whether an assignment stands in the lists of its principal, role and scope.
  var isListed = false
}

/// What an entry does.
enum EntryEffect: UInt8 {
  case begins, ends, extends
}

/// One entry of one fact.
///
/// Flat: 64 bytes, no references.
struct EntryRecord {
  let effective: Int64
  let position: Int64
  /// `never` where the value has no end of its own.
  let expires: Int64
  /// Of a loss: when it was due; `never` where nothing is said.
  let due: Int64
  /// The position of the voiding; `never` while it stands.
  var voided: Int64 = never
  /// What the kind of fact says: node of the person, index of the role document, grant, attribute or policy.
  let value: Int32
  let source: Int32
  let fact: Int32
  var next: Int32 = -1
  let effect: EntryEffect

  func isVisible(at k: Int64) -> Bool { position <= k && voided > k }
  func precedes(_ other: EntryRecord) -> Bool {
    effective != other.effective ? effective < other.effective : position < other.position
  }
}

/// What is kept of an event beside its entries.
struct EventRecord {
  let effective: Int64
  let type: Int32
  let firstEntry: Int32
  let entryCount: Int32
  /// The position that it voids; 0 for none.
  let voids: Int64
  var voided: Int64 = never
}

/// A role's document with its inclusions as nodes and its patterns compiled.
struct CompiledRole {
  let document: RoleDocument
  let includes: [Int32]
  let permissions: [CompiledPermission]
}

/// A permission ready to be matched.
struct CompiledPermission {
  let actions: [Pattern]
  let resources: [Pattern]
  let isConditional: Bool

  func applies(action: [UInt8], resource: [UInt8]) -> Bool {
    actions.contains { $0.matches(action) } && resources.contains { $0.matches(resource) }
  }
}

/// A grant with its principal, role and scope as numbers.
struct GrantRecord {
  let principal: Int32
  let role: Int32
  let scope: Int32
  let condition: JSONValue?
}

/// The key of a coverage gap.
struct GapKey: Hashable {
  let resource: Int32
  let from: Int64
}
