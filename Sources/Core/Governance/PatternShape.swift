/// A pattern in pieces, so that it can be held against another pattern rather than a text.
///
/// `*` stands for any run of characters, `?` for exactly one.
public struct PatternShape: Hashable, Sendable {
  private enum Piece: Hashable, Sendable {
    case anyRun, anyOne
    case scalar(Unicode.Scalar)
  }

  private let pieces: [Piece]

  /// Everything.
  public static let anything = PatternShape(pieces: [.anyRun])

  /// Takes a pattern as it is written.
  public init(_ pattern: String) {
    pieces = pattern.unicodeScalars.map { scalar in
      switch scalar {
      case "*": .anyRun
      case "?": .anyOne
      default: .scalar(scalar)
      }
    }
  }

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// What a scope covers: everything, or the path itself and all below it; a path has no wildcards.
  public static func covered(by scope: String) -> [PatternShape] {
    if scope == "*" { return [anything] }
    let path = scope.unicodeScalars.map { Piece.scalar($0) }
    return [PatternShape(pieces: path), PatternShape(pieces: path + [.scalar("/"), .anyRun])]
  }

  /// Whether every text that matches the other pattern is proved to match this one.
  ///
  /// The other is read as a text in which only a `*` here may stand for a `*`, and only a wildcard for a `?`. So the answer is no
  /// for a few that do contain it, as `*?` and `?*`, and never yes for one that does not. O(product of their lengths).
  public func contains(_ other: PatternShape) -> Bool {
    if isApart(from: other) { return false }
    return table(other) { piece, other in
      switch (piece, other) {
      case (_, .anyRun): false
      case (.anyOne, _): true
      default: piece == other
      }
    }
  }

  /// Whether some text matches both patterns.
  ///
  /// O(product of their lengths).
  public func overlaps(_ other: PatternShape) -> Bool {
    if isApart(from: other) { return false }
    return table(other, othersRunsMatch: true) { $0 == .anyOne || $1 == .anyOne || $0 == $1 }
  }

  /// Whether the literal beginnings or the literal ends of both already tell that no text matches both, nor one the other.
  ///
  /// The cheap first look: most patterns of actions differ in the name of their service. O(length of what they share).
  private func isApart(from other: PatternShape) -> Bool {
    var (a, b) = (0, 0)
    while a < pieces.count, b < other.pieces.count, case .scalar(let mine) = pieces[a],
      case .scalar(let theirs) = other.pieces[b]
    {
      if mine != theirs { return true }
      (a, b) = (a + 1, b + 1)
    }
    (a, b) = (pieces.count, other.pieces.count)
    while a > 0, b > 0, case .scalar(let mine) = pieces[a - 1], case .scalar(let theirs) = other.pieces[b - 1] {
      if mine != theirs { return true }
      (a, b) = (a - 1, b - 1)
    }
    return false
  }

  /// Whether the pieces of both can be laid against one another from the first to the last.
  ///
  /// - Parameters:
  ///   - othersRunsMatch: whether a `*` of the other stands for anything too, and is not just one more piece.
  ///   - fits: whether two single pieces go together.
  private func table(_ other: PatternShape, othersRunsMatch: Bool = false, _ fits: (Piece, Piece) -> Bool) -> Bool {
    let (a, b) = (pieces, other.pieces)
    // row[j]: whether a[i...] and b[j...] go together, for the i at hand.
    var row = [Bool](repeating: false, count: b.count + 1)
    for i in stride(from: a.count, through: 0, by: -1) {
      var next = [Bool](repeating: false, count: b.count + 1)
      for j in stride(from: b.count, through: 0, by: -1) {
        if i == a.count, j == b.count {
          next[j] = true
        } else if i < a.count, a[i] == .anyRun {
          next[j] = row[j] || (j < b.count && next[j + 1])
        } else if othersRunsMatch, j < b.count, b[j] == .anyRun {
          next[j] = next[j + 1] || (i < a.count && row[j])
        } else if i < a.count, j < b.count {
          next[j] = fits(a[i], b[j]) && row[j + 1]
        }
      }
      row = next
    }
    return row[0]
  }
}
