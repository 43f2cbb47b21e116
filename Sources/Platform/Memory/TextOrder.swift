internal import CProcessor

/// Many texts in the order of their bytes.
extension Texts {
  /// The order of texts by their bytes: which comes first, second, … of those given.
  ///
  /// Each text is read twice, for what all begin with and for the eight bytes after that, which decide most comparisons; to
  /// read two texts for each comparison would cost most of the time of a large answer. O(texts) where these bytes tell them
  /// apart, in whatever order they come.
  public func order(of texts: [Int32]) -> [Int32] {
    guard let first = texts.first else { return [] }
    let common = commonPrefix(of: texts, with: first)
    var keys: [SortKey] = []
    keys.reserveCapacity(texts.count)
    for (place, text) in texts.enumerated() {
      keys.append(SortKey(bytes: key(of: text, after: common), text: text, place: Int32(place)))
    }
    if keys.count < Self.worthCounting {
      keys.sort { $0.bytes != $1.bytes ? $0.bytes < $1.bytes : precedes($0.text, $1.text) }
    } else {
      SortKey.sortByBytes(&keys)
      sortAlike(&keys)
    }
    return keys.map(\.place)
  }

  /// Texts from which sorting by counting takes less time than by comparing.
  private static var worthCounting: Int { 96 }

  /// Puts those in order that have the same eight bytes, of keys in the order of these.
  private func sortAlike(_ keys: inout [SortKey]) {
    var start = 0
    while start < keys.count {
      var end = start + 1
      while end < keys.count, keys[end].bytes == keys[start].bytes { end += 1 }
      if end - start > 1 { keys[start..<end].sort { precedes($0.text, $1.text) } }
      start = end
    }
  }

  /// How many bytes all of the texts begin with alike.
  private func commonPrefix(of texts: [Int32], with first: Int32) -> Int {
    let model = unsafe bytes(of: first)
    var common = model.count
    for (place, text) in texts.enumerated() {
      prefetch(texts, after: place)
      let other = unsafe bytes(of: text)
      common = min(common, other.count)
      var same = 0
      while same < common, unsafe model[same] == other[same] { same += 1 }
      common = same
    }
    return common
  }

  /// How many texts ahead memory is asked for: it takes about as long to come as to read so many.
  private static var ahead: Int { 8 }

  /// Asks for what is read soon of texts that are read one after another: of one where it lies, of a nearer one its bytes.
  private func prefetch(_ texts: [Int32], after place: Int) {
    if place + 2 * Self.ahead < texts.count { places.prefetch(texts[place + 2 * Self.ahead]) }
    if place + Self.ahead < texts.count {
      unsafe shim_prefetch(store.address(Int(places[texts[place + Self.ahead]] >> 24)))
    }
  }

  /// The eight bytes of a text after so many, as one number in their order; where there are fewer, zeros.
  private func key(of number: Int32, after skipped: Int) -> UInt64 {
    let bytes = unsafe bytes(of: number)
    let end = min(bytes.count, skipped + 8)
    var key: UInt64 = 0
    for place in skipped..<end { key = unsafe key << 8 | UInt64(bytes[place]) }
    return key << UInt64(8 * (8 - (end - skipped)))
  }
}

/// A text to be put in order.
private struct SortKey {
  let bytes: UInt64
  let text: Int32
  let place: Int32

  /// Sorts by the bytes: by the last first, each time keeping the order of what is alike (radix sort); bytes that all have alike
  /// are passed over.
  static func sortByBytes(_ keys: inout [SortKey]) {
    let differing = keys.reduce(0) { $0 | ($1.bytes ^ keys[0].bytes) }
    var sorted = keys
    for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xff != 0 {
      var places = [Int](repeating: 0, count: 257)
      for key in keys { places[Int(key.bytes >> shift & 0xff) + 1] += 1 }
      for digit in 1...256 { places[digit] += places[digit - 1] }
      for key in keys {
        let digit = Int(key.bytes >> shift & 0xff)
        sorted[places[digit]] = key
        places[digit] += 1
      }
      swap(&keys, &sorted)
    }
  }
}
