import AccessGraph
import Governance

/// Eligible access as people read it.
extension Eligible {
  /// One line: `eligible: dan, by db (alone)`.
  var text: String { "  eligible: \(identity), by \(ways.map(\.text).joined(separator: ", "))\n" }
}

extension EligibleWay {
  /// One line, or nothing where there is no way.
  static func text(_ ways: [EligibleWay]?) -> String {
    guard let ways, !ways.isEmpty else { return "" }
    return "  eligible, by \(ways.map(\.text).joined(separator: ", "))\n"
  }

  fileprivate var text: String {
    let asked = isAskedByAnother ? "asked for by another" : nil
    let notes = [alone.text, status == .allowed ? nil : status.rawValue, asked].compactMap { $0 }
    return policy + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
  }
}

extension Obtainable {
  /// One line: `eligible: role db-admin on aws/prod, by db (alone), at most 28800 s`.
  ///
  /// - Parameter identity: who was asked about; where another asks, an account, it is named.
  func text(of identity: String) -> String {
    let what =
      switch access {
      case .role(let role, let scope): "role \(role) on \(scope)"
      case .group(let group): "membership in \(group)"
      }
    let asked = isAskedByAnother ? "asked for by another" : nil
    let notes = [alone.text, isConditional ? "conditional" : nil, asked].compactMap { $0 }
    let account = requester.isExactly(identity) ? "" : ", for the account \(requester)"
    var text = "  eligible: \(what)\(account), by \(policy)"
    if !notes.isEmpty { text += " (\(notes.joined(separator: ", ")))" }
    if let longestSeconds { text += ", at most \(longestSeconds) s" }
    return text + (allowsStanding ? ", or standing\n" : "\n")
  }
}

extension Alone {
  fileprivate var text: String? {
    switch self {
    case .yes: "alone"
    case .conditional: "alone on a condition"
    case .no: nil
    }
  }
}
