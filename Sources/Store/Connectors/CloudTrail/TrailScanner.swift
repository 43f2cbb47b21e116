/// Divides a file's JSON into its records, piece by piece, so that only one of them is in memory at a time.
///
/// It knows strings and brackets and nothing else: what it cuts out is then read strictly. A document is cut out with the lists of
/// records in it emptied, so that what stands around them is read too.
struct TrailScanner {
  /// What was cut out.
  enum Cut {
    /// An item of a list of records.
    case item([UInt8])
    /// A document, without the items of its lists; whether it had any list.
    case document([UInt8], hasList: Bool)
  }

  /// The members of a document that are lists of records.
  static let lists: Set<String> = ["Records", "Events", "logEvents", "events"]

  private enum State {
    /// Between documents.
    case between
    /// Inside a document or an item.
    case inside
    /// In a list, where an item comes or, unless one must, its end.
    case item(isDue: Bool)
    /// In a list, behind an item.
    case behindItem
  }

  /// Whether there was nothing but space so far.
  private(set) var isEmpty = true
  private var state = State.between
  /// What was cut out of former pieces of the document or item that is open.
  private var open: [UInt8] = []
  /// The document whose list is being read; nil where the list is the document.
  private var outer: [UInt8]?
  private var isInList = false
  private var hasList = false
  private var depth = 0
  private var (isInString, isEscaped) = (false, false)
  /// Whether the name of a member of the document comes next, or its value.
  private var (isNameNext, isValueNext) = (false, false)
  /// The name of the document's present member, and where it begins in what is open as long as it is read.
  private var name = ""
  private var nameStart: Int?
  private var done = 0

  /// Cuts what ends in a further piece.
  ///
  /// - Throws: ``TrailScanFailure``: its own, and what `take` throws.
  mutating func scan(_ piece: [UInt8], _ take: (Cut) throws(TrailScanFailure) -> Void) throws(TrailScanFailure) {
    var place = 0
    // Where what is open begins in this piece.
    var start = 0
    while place < piece.count {
      let byte = piece[place]
      switch state {
      case .inside:
        guard let end = try step(piece, &place, &start) else { continue }
        open += piece[start..<end]
        (start, place) = (end, end)
        try cut(take)
      case .between where Self.isSpace(byte): place += 1
      case .between where byte == UInt8(ascii: "["):
        isEmpty = false
        (outer, isInList, state) = (nil, true, .item(isDue: false))
        place += 1
      case .between: begin(&start, at: place)
      default: try list(byte, &place, &start)
      }
    }
    if case .inside = state { open += piece[start...] }
    done += piece.count
    if open.count > TrailLimits.recordBytes {
      throw TrailScanFailure("a record is longer than \(TrailLimits.recordBytes) bytes, or the file has no array `Records`")
    }
  }

  /// Cuts what is open where the file ends.
  mutating func finish(_ take: (Cut) throws(TrailScanFailure) -> Void) throws(TrailScanFailure) {
    if isInList { throw TrailScanFailure("is not JSON: the file ends inside a list, after \(done) bytes") }
    if case .inside = state { try cut(take) }
  }

  private mutating func begin(_ start: inout Int, at place: Int) {
    (open, start, depth, isInString, isEscaped) = ([], place, 0, false, false)
    (name, nameStart, isNameNext, isValueNext) = ("", nil, true, false)
    if !isInList { hasList = false }
    (state, isEmpty) = (.inside, false)
  }

  private mutating func cut(_ take: (Cut) throws(TrailScanFailure) -> Void) throws(TrailScanFailure) {
    let bytes = open
    open = []
    state = isInList ? .behindItem : .between
    try take(isInList ? .item(bytes) : .document(bytes, hasList: hasList))
  }

  /// A byte of a list, between its items.
  private mutating func list(_ byte: UInt8, _ place: inout Int, _ start: inout Int) throws(TrailScanFailure) {
    if Self.isSpace(byte) {
      place += 1
      return
    }
    switch (state, byte) {
    case (.item(isDue: false), UInt8(ascii: "]")), (.behindItem, UInt8(ascii: "]")):
      place += 1
      isInList = false
      state = .between
      guard let document = outer else { return }
      // On with the document around the list.
      (open, outer, start, depth, isNameNext, state) = (document, nil, place - 1, 1, false, .inside)
    case (.behindItem, UInt8(ascii: ",")):
      place += 1
      state = .item(isDue: true)
    case (.item, let byte) where byte != UInt8(ascii: ",") && byte != UInt8(ascii: "]"): begin(&start, at: place)
    default: throw TrailScanFailure("is not JSON: a list of records is broken at byte \(done + place)")
    }
  }

  /// Goes on in what is open; answers where it ends, if it does.
  private mutating func step(_ piece: [UInt8], _ place: inout Int, _ start: inout Int) throws(TrailScanFailure) -> Int? {
    if isInString { return endString(piece, &place, &start) }
    let byte = piece[place]
    // A number or a word ends where something else begins.
    if depth == 0, place > start || !open.isEmpty, Self.endsWord(byte) { return place }
    place += 1
    let isMember = !isInList && depth == 1
    if isValueNext, !Self.isSpace(byte) {
      isValueNext = false
      if byte == UInt8(ascii: "["), isMember, Self.lists.contains(name) {
        // The list is read by itself, and the document keeps an empty one in its place.
        outer = open + piece[start..<place]
        (open, isInList, hasList, state) = ([], true, true, .item(isDue: false))
        return nil
      }
    }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      if isMember, isNameNext { nameStart = open.count + place - 1 - start }
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      // Of what was never opened nothing can be made: it is cut out as it is, and refused.
      if depth <= 0 { return place }
    case UInt8(ascii: ":") where isMember: isValueNext = true
    case UInt8(ascii: ",") where isMember: isNameNext = true
    default: break
    }
    return nil
  }

  /// Goes on in a string, to its end if that is in this piece.
  private mutating func endString(_ piece: [UInt8], _ place: inout Int, _ start: inout Int) -> Int? {
    while place < piece.count {
      let byte = piece[place]
      place += 1
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
        if let from = nameStart {
          open += piece[start..<place]
          start = place
          name = String(decoding: open[(from + 1)..<(open.count - 1)], as: UTF8.self)
          (nameStart, isNameNext) = (nil, false)
        }
        return depth == 0 ? place : nil
      }
    }
    return nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

  private static func endsWord(_ byte: UInt8) -> Bool {
    isSpace(byte) || [UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "["), UInt8(ascii: "{")].contains(byte)
  }
}

/// Why a file could not be divided into records, or what reading them came to.
struct TrailScanFailure: Error {
  let problem: String
  /// What whoever took a record threw.
  var inner: TrailError?

  init(_ problem: String) { self.problem = problem }

  init(_ inner: TrailError) { (problem, self.inner) = (inner.problem, inner) }
}
