import Governance

extension Commit {
  /// By whose authority the commit's changes were made: its author, its subject, its pull request.
  ///
  /// Who approved it is not known.
  var authority: Authority {
    Authority(actor: actor, authorisedBy: nil, reason: reason, ticket: ticket)
  }

  /// The author's name, within what an id may be; a name that is an address loses its domain, since an address is personal.
  private var actor: Actor? {
    var name = String(String.UnicodeScalarView(author.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    if !name.contains(" "), let at = name.firstIndex(of: "@") { name = String(name[..<at]) }
    name = name.prefix(utf8Bytes: Limits.identifierBytes)
    return name.isEmpty ? nil : Actor(id: name)
  }

  private var reason: String? {
    let reason = subject.prefix(utf8Bytes: Limits.reasonBytes)
    return reason.isEmpty ? nil : reason
  }

  /// The pull request that the subject names: `Merge pull request #12 from …`, or `…(#12)` as GitHub writes when it squashes.
  private var ticket: Ticket? {
    let opening = "Merge pull request #"
    var digits: Substring = ""
    if subject.hasPrefix(opening) {
      digits = subject.dropFirst(opening.count).prefix { $0.isASCII && $0.isNumber }
    } else if subject.hasSuffix(")"), let hash = subject.lastIndex(of: "#"), subject[..<hash].hasSuffix("(") {
      digits = subject[subject.index(after: hash)...].dropLast()
    }
    // No pull request has a number of more digits; a longer one is something else.
    let longest = 18
    guard (1...longest).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Ticket(system: "github", key: "#\(digits)")
  }
}

extension String {
  /// The longest beginning of whole characters within so many bytes.
  fileprivate func prefix(utf8Bytes limit: Int) -> String {
    if utf8.count <= limit { return self }
    var bytes = 0
    return String(
      prefix { character in
        bytes += character.utf8.count
        return bytes <= limit
      })
  }
}
