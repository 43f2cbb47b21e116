import Foundation
import Temporal

/// A command line that makes no sense; exit status 2.
struct UsageError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The words of a command line: long options with a value, flags, and the rest in order.
///
/// Each command takes what it knows and then calls `finish`, so that a misspelt option is never silently ignored.
struct Arguments {
  private var options: [(name: String, value: String?)] = []
  private var words: [String] = []

  /// Options that stand alone.
  private static let flags: Set<String> = [
    "help", "once", "skip-invalid", "privileged", "quick", "jobs", "standing", "unapproved", "open", "observed-absent",
    "all", "by-day", "by-grant", "apply",
  ]

  init(_ arguments: some Sequence<String>) throws(UsageError) {
    var rest = Array(arguments)[...]
    // What is not UTF-8 arrives with this character in its place; it would be looked for, and answered, as another name.
    if let broken = rest.first(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
      throw UsageError("not UTF-8, or with the character U+FFFD, which stands for that: \(broken)")
    }
    while let argument = rest.popFirst() {
      if argument.isEmpty { throw UsageError("an argument is empty") }
      guard argument.hasPrefix("--"), argument != "--" else {
        words.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let name = parts.first, !name.isEmpty else { throw UsageError("an option needs a name: \(argument)") }
      if options.contains(where: { $0.name == name }) { throw UsageError("--\(name) is given twice") }
      if Self.flags.contains(name) {
        guard parts.count == 1 else { throw UsageError("--\(name) takes no value") }
        options.append((name, nil))
      } else if parts.count == 2 {
        if parts[1].isEmpty { throw UsageError("--\(name) must not be empty") }
        options.append((name, parts[1]))
      } else if let value = rest.popFirst() {
        if value.isEmpty { throw UsageError("--\(name) must not be empty") }
        options.append((name, value))
      } else {
        throw UsageError("--\(name) needs a value")
      }
    }
  }

  /// The next word that is no option.
  mutating func word() -> String? { words.isEmpty ? nil : words.removeFirst() }

  /// Takes the next word if it is this one.
  mutating func nextWord(is wanted: String) -> Bool {
    guard words.first == wanted else { return false }
    words.removeFirst()
    return true
  }

  mutating func word(_ what: String) throws(UsageError) -> String {
    guard let word = word() else { throw UsageError("\(what) is missing") }
    return word
  }

  mutating func flag(_ name: String) -> Bool {
    guard let index = options.firstIndex(where: { $0.name == name }) else { return false }
    options.remove(at: index)
    return true
  }

  mutating func option(_ name: String) -> String? {
    guard let index = options.firstIndex(where: { $0.name == name }) else { return nil }
    return options.remove(at: index).value
  }

  mutating func required(_ name: String) throws(UsageError) -> String {
    guard let value = option(name) else { throw UsageError("--\(name) is missing") }
    return value
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = option(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw UsageError("--\(name) must be an integer between \(range.lowerBound) and \(range.upperBound)")
    }
    return number
  }

  /// A number of bytes, with K, M, G or T behind it for multiples of 1024.
  mutating func bytes(_ name: String) throws(UsageError) -> Int? {
    guard let text = option(name) else { return nil }
    let power = text.last.flatMap { "KMGT".firstIndex(of: $0) }.map { "KMGT".distance(from: "KMGT".startIndex, to: $0) + 1 }
    let number = Int(power == nil ? text : String(text.dropLast()))
    guard let number, number > 0, let bytes = number.multiplied(by: 1 << (10 * (power ?? 0))) else {
      throw UsageError("--\(name) must be a number of bytes, such as 800M or 12G")
    }
    return bytes
  }

  /// An instant in RFC 3339, or a bare date: midnight UTC of that day, for an end the end of it.
  mutating func instant(_ name: String, endOfDay: Bool = false) throws(UsageError) -> Instant? {
    guard let text = option(name) else { return nil }
    do {
      return try Instant(dateOrRFC3339: text, endOfDay: endOfDay)
    } catch .malformed {
      throw UsageError("--\(name) must be a date such as 2024-05-01 or an RFC 3339 instant such as 2024-05-01T12:00:00Z")
    } catch {
      throw UsageError("--\(name) \(error)")
    }
  }

  /// Refuses whatever has not been taken.
  func finish() throws(UsageError) {
    if let option = options.first { throw UsageError("there is no option --\(option.name) here") }
    if let word = words.first { throw UsageError("nothing is expected here: \(word)") }
  }
}

extension Int {
  /// The product; nil where it is too large.
  fileprivate func multiplied(by factor: Int) -> Int? {
    let (product, isOver) = multipliedReportingOverflow(by: factor)
    return isOver ? nil : product
  }
}
