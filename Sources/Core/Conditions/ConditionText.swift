import JSON

/// A text of a condition in pieces: what is written, wildcards, and variables such as `${identity.department}`.
struct ConditionText: Hashable, Sendable {
  enum Piece: Hashable, Sendable {
    case literal(String)
    /// `*` and `?`, where the operator knows wildcards; `${*}` and `${?}` stand for the characters themselves.
    case anyRun, anyOne
    case variable(ConditionKey, fallback: String?)
  }

  private(set) var pieces: [Piece] = []

  /// Variables in one text: each may stand for an attribute of some thousand bytes.
  static let maximumVariables = 10

  /// Reads a text.
  ///
  /// - Parameter hasWildcards: whether `*` and `?` mean more than themselves.
  init(_ text: String, hasWildcards: Bool) throws(ConditionTextError) {
    // By scalars: an accent behind a character of the syntax would make another character of it.
    var rest = text.unicodeScalars[...]
    var literal = String.UnicodeScalarView()
    var variables = 0
    while let scalar = rest.popFirst() {
      if scalar == "$", rest.first == "{" {
        guard let end = rest.firstIndex(of: "}") else { throw .unfinished }
        let inside = String(rest[..<end].dropFirst())
        rest = rest[rest.index(after: end)...]
        if ["*", "?", "$"].contains(where: { $0 == inside.unicodeScalars.first && inside.unicodeScalars.count == 1 }) {
          literal.append(contentsOf: inside.unicodeScalars)
        } else {
          variables += 1
          guard variables <= Self.maximumVariables else { throw .tooManyVariables }
          Self.add(&pieces, &literal, try Self.variable(inside))
        }
        continue
      }
      switch scalar {
      case "*" where hasWildcards: Self.add(&pieces, &literal, .anyRun)
      case "?" where hasWildcards: Self.add(&pieces, &literal, .anyOne)
      default: literal.append(scalar)
      }
    }
    if !literal.isEmpty { pieces.append(.literal(String(literal))) }
  }

  private static func add(_ pieces: inout [Piece], _ literal: inout String.UnicodeScalarView, _ piece: Piece) {
    if !literal.isEmpty { pieces.append(.literal(String(literal))) }
    literal = String.UnicodeScalarView()
    pieces.append(piece)
  }

  /// `key` or `key, 'fallback'`.
  private static func variable(_ inside: String) throws(ConditionTextError) -> Piece {
    var name = inside.unicodeScalars[...]
    var fallback: String?
    if let comma = name.firstIndex(of: ",") {
      let quoted = name[name.index(after: comma)...].drop { $0 == " " }
      name = name[..<comma]
      guard quoted.count >= 2, quoted.first == "'", quoted.last == "'" else { throw .badFallback }
      fallback = String(quoted.dropFirst().dropLast())
    }
    while name.last == " " { name.removeLast() }
    do { return .variable(try ConditionKey(String(name)), fallback: fallback) } catch { throw .badVariable(error) }
  }

  /// The text without variables, where it has none.
  var plain: String? {
    switch pieces.count {
    case 0: return ""
    case 1: if case .literal(let text) = pieces[0] { return text }
    default: break
    }
    return nil
  }

  /// Whether a text matches, wildcards and all.
  ///
  /// Between two `*` the first place that fits is taken, for a later one leaves less for the rest: O(pieces × text) at worst,
  /// and about as much as the two are long for patterns that people write.
  ///
  /// - Precondition: variables have been replaced.
  func matches(_ text: String) -> Bool {
    let text = Array(text.unicodeScalars)
    var runs = runs
    let last = runs.removeLast()
    guard let first = runs.first else { return last.count == text.count && Self.fits(last, text, at: 0) }
    // What stands before the first `*` and after the last is where it has to be.
    guard first.count + last.count <= text.count, Self.fits(first, text, at: 0),
      Self.fits(last, text, at: text.count - last.count)
    else { return false }
    var place = first.count
    let end = text.count - last.count
    for run in runs.dropFirst() {
      while place + run.count <= end, !Self.fits(run, text, at: place) { place += 1 }
      guard place + run.count <= end else { return false }
      place += run.count
    }
    return true
  }

  /// What stands between the `*`, one more than there are of them; nil for any one character.
  private var runs: [[Unicode.Scalar?]] {
    var runs: [[Unicode.Scalar?]] = [[]]
    for piece in pieces {
      switch piece {
      case .anyRun: runs.append([])
      case .anyOne: runs[runs.count - 1].append(nil)
      case .literal(let literal): runs[runs.count - 1] += literal.unicodeScalars.map { $0 }
      case .variable: preconditionFailure("variables are replaced before anything is matched")
      }
    }
    return runs
  }

  private static func fits(_ run: [Unicode.Scalar?], _ text: [Unicode.Scalar], at place: Int) -> Bool {
    for index in run.indices { if let wanted = run[index], text[place + index] != wanted { return false } }
    return true
  }

  /// The same text with each variable replaced; what a variable says stands for itself, never as a wildcard.
  func replacing(_ value: (ConditionKey, _ fallback: String?) -> String?) -> ConditionText? {
    var copy = self
    for (index, piece) in pieces.enumerated() {
      guard case .variable(let key, let fallback) = piece else { continue }
      guard let text = value(key, fallback) else { return nil }
      copy.pieces[index] = .literal(text)
    }
    return copy
  }

  /// The text split at its first colons into so many parts, of which the last keeps its own; nil where there are fewer.
  func parts(_ count: Int) -> [ConditionText]? {
    var parts: [[Piece]] = [[]]
    for piece in pieces {
      guard case .literal(let literal) = piece else {
        parts[parts.count - 1].append(piece)
        continue
      }
      let texts = literal.unicodeScalars.split(
        separator: ":", maxSplits: count - parts.count, omittingEmptySubsequences: false)
      for (index, text) in texts.enumerated() {
        if index > 0 { parts.append([]) }
        if !text.isEmpty { parts[parts.count - 1].append(.literal(String(text))) }
      }
    }
    return parts.count == count ? parts.map(ConditionText.init(pieces:)) : nil
  }

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// The text of all pieces; nil where there are wildcards.
  var joined: String? {
    var text = ""
    for piece in pieces {
      guard case .literal(let literal) = piece else { return nil }
      text += literal
    }
    return text
  }
}

/// Why a text of a condition is refused; the rest of a sentence that begins with it.
enum ConditionTextError: Error, Hashable, Sendable, CustomStringConvertible {
  case unfinished, badFallback, tooManyVariables
  case badVariable(ConditionKeyError)

  var description: String {
    switch self {
    case .unfinished: "has a ${ without its }; the character itself is ${$}"
    case .tooManyVariables: "must have at most \(ConditionText.maximumVariables) variables"
    case .badFallback: "has a variable whose fallback is not in quotes, as in ${identity.team, 'none'}"
    case .badVariable(let error): "has a variable that \(error)"
    }
  }
}
