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

  /// Reads a text.
  ///
  /// - Parameter hasWildcards: whether `*` and `?` mean more than themselves.
  init(_ text: String, hasWildcards: Bool) throws(ConditionTextError) {
    var literal = ""
    var rest = text[...]
    while let character = rest.unicodeScalars.first {
      if character == "$", rest.dropFirst().first == "{" {
        guard let end = rest.firstIndex(of: "}") else { throw .unfinished }
        let inside = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
        rest = rest[rest.index(after: end)...]
        if let character = Self.escaped(inside) {
          literal += character
        } else {
          Self.add(&pieces, &literal, try Self.variable(String(inside)))
        }
        continue
      }
      rest.unicodeScalars.removeFirst()
      switch character {
      case "*" where hasWildcards: Self.add(&pieces, &literal, .anyRun)
      case "?" where hasWildcards: Self.add(&pieces, &literal, .anyOne)
      default: literal.unicodeScalars.append(character)
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
  }

  private static func add(_ pieces: inout [Piece], _ literal: inout String, _ piece: Piece) {
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    literal = ""
    pieces.append(piece)
  }

  private static func escaped(_ inside: Substring) -> String? {
    ["*", "?", "$"].contains(inside) ? String(inside) : nil
  }

  /// `key` or `key, 'fallback'`.
  private static func variable(_ inside: String) throws(ConditionTextError) -> Piece {
    var name = inside[...]
    var fallback: String?
    if let comma = inside.firstIndex(of: ",") {
      name = inside[..<comma]
      let quoted = inside[inside.index(after: comma)...].drop { $0 == " " }
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

  /// Whether a text matches, wildcards and all; O(pieces × text) at worst.
  ///
  /// - Precondition: variables have been replaced.
  func matches(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    // reached[i]: whether what was looked at of the pieces can stand for the first i characters.
    var reached = [Bool](repeating: false, count: scalars.count + 1)
    reached[0] = true
    for piece in pieces {
      switch piece {
      case .anyRun:
        if let first = reached.firstIndex(of: true) { for index in first..<reached.count { reached[index] = true } }
      case .anyOne: reached = [false] + reached.dropLast()
      case .literal(let literal):
        let wanted = Array(literal.unicodeScalars)
        var next = [Bool](repeating: false, count: reached.count)
        for index in reached.indices where reached[index] && index + wanted.count < reached.count {
          if scalars[index..<(index + wanted.count)].elementsEqual(wanted) { next[index + wanted.count] = true }
        }
        reached = next
      case .variable: preconditionFailure("variables are replaced before anything is matched")
      }
    }
    return reached[scalars.count]
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
      for (index, text) in literal.split(separator: ":", maxSplits: count - parts.count, omittingEmptySubsequences: false)
        .enumerated()
      {
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
  case unfinished, badFallback
  case badVariable(ConditionKeyError)

  var description: String {
    switch self {
    case .unfinished: "has a ${ without its }; the character itself is ${$}"
    case .badFallback: "has a variable whose fallback is not in quotes, as in ${identity.team, 'none'}"
    case .badVariable(let error): "has a variable that \(error)"
    }
  }
}
