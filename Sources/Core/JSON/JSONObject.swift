/// The members of a JSON object in the order in which they were added; no two have the same name.
///
/// Names are the same if their bytes are. Performance characteristics: looking a name up is O(1), linear below
/// `indexedFrom` members, where that is quicker.
public struct JSONObject: Hashable, Sendable {
  /// A name and its value.
  public struct Member: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The value.
    public fileprivate(set) var value: JSONValue

    /// Whether two members have the same name and value.
    public static func == (left: Member, right: Member) -> Bool {
      left.name.hasSameBytes(as: right.name) && left.value == right.value
    }
  }

  /// A name under exact equality.
  private struct Name: Hashable {
    let text: String

    static func == (left: Name, right: Name) -> Bool { left.text.hasSameBytes(as: right.text) }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
  }

  /// From this many members on, names are found through a table; below it a scan is as quick and needs no memory.
  private static let indexedFrom = 16

  /// Members to make room for at once: as many as most requests have.
  private static let usualCount = 4

  private var members: [Member] = []
  private var placeByName: [Name: Int]?

  /// Makes an object without members.
  public init() {}

  /// Makes an object with these members, in this order.
  ///
  /// - Precondition: the names differ.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (name, value) in members {
      let isNew = append(name, value)
      precondition(isNew, "the names in an object differ")
    }
  }

  /// Adds a member at the end, unless there is one of that name already; the answer is whether it was added.
  @discardableResult
  public mutating func append(_ name: String, _ value: JSONValue) -> Bool {
    guard place(of: name) == nil else { return false }
    if members.isEmpty { members.reserveCapacity(Self.usualCount) }
    members.append(Member(name: name, value: value))
    if placeByName != nil {
      placeByName?[Name(text: name)] = members.count - 1
    } else if members.count >= Self.indexedFrom {
      buildIndex()
    }
    return true
  }

  /// The value of that name; setting one adds, replaces in place or (set to nothing) removes the member.
  ///
  /// - Complexity: O(n) for a removal.
  public subscript(name: String) -> JSONValue? {
    get { place(of: name).map { members[$0].value } }
    set {
      switch (place(of: name), newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil):
        members.remove(at: place)
        placeByName = nil
        if members.count >= Self.indexedFrom { buildIndex() }
      case (nil, let value?): append(name, value)
      case (nil, nil): break
      }
    }
  }

  private func place(of name: String) -> Int? {
    if let placeByName { return placeByName[Name(text: name)] }
    return members.firstIndex { $0.name.hasSameBytes(as: name) }
  }

  private mutating func buildIndex() {
    var index: [Name: Int] = [:]
    for (place, member) in members.enumerated() { index[Name(text: member.name)] = place }
    placeByName = index
  }

  /// Whether two objects have the same members, in any order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
  }

  /// Feeds the members to the hasher, whatever their order.
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for member in members { sum ^= member.hashValue }
    hasher.combine(members.count)
    hasher.combine(sum)
  }

  /// The places of the members in the order of RFC 8785: by the UTF-16 code units of their names.
  var canonicalOrder: [Int] {
    var places = Array(members.indices)
    // Most objects have few members and many are in order already: both are quickest with insertion.
    guard members.count < Self.indexedFrom else {
      return places.sorted { members[$0].name.precedesInUTF16(members[$1].name) }
    }
    for end in places.indices.dropFirst() {
      var place = end
      while place > 0, members[places[place]].name.precedesInUTF16(members[places[place - 1]].name) {
        places.swapAt(place, place - 1)
        place -= 1
      }
    }
    return places
  }
}

extension JSONObject: RandomAccessCollection, ExpressibleByDictionaryLiteral {
  /// The place of the first member, always 0.
  public var startIndex: Int { 0 }

  /// The number of members.
  public var endIndex: Int { members.count }

  /// The member at that place.
  public subscript(index: Int) -> Member { members[index] }

  /// Makes an object with these members.
  ///
  /// - Precondition: the names differ.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
