import Governance
import TestSupport
import Testing

@testable import AccessGraph

/// Patterns held against patterns, and reaches against reaches: what is proved holds for every text, what is not met nowhere.
@Suite struct PatternShapeTests {
  /// All texts over an alphabet up to a length: a letter that no pattern names among them.
  private static let texts: [String] = (0..<5).reduce(into: [""]) { texts, length in
    texts += texts.filter { $0.unicodeScalars.count == length }.flatMap { text in ["a", "b", "/", "z"].map { text + $0 } }
  }

  private static func pattern(_ random: inout SeededGenerator) -> String {
    (0..<1 + random.below(4)).map { _ in random.pick(["a", "b", "/", "*", "*", "?"]) }.joined()
  }

  private static func shape(_ pattern: String) -> PatternShape { PatternShape(pattern) }

  @Test func `what contains another matches all that it matches, and what does not overlap shares nothing`() {
    var counts = (contained: 0, apart: 0)
    for seed in UInt64(0)..<600 {
      var random = SeededGenerator(seed: seed)
      let (a, b) = (Self.pattern(&random), Self.pattern(&random))
      let contains = Self.shape(a).contains(Self.shape(b))
      let overlaps = Self.shape(a).overlaps(Self.shape(b))
      let shared = Self.texts.filter { NaivePattern.matches(a, $0) && NaivePattern.matches(b, $0) }
      if contains {
        counts.contained += 1
        #expect(
          Self.texts.allSatisfy { !NaivePattern.matches(b, $0) || NaivePattern.matches(a, $0) }, "seed \(seed): \(a) ⊇ \(b)")
        #expect(overlaps, "seed \(seed): \(a) ⊇ \(b)")
      }
      if !overlaps { counts.apart += 1 }
      // Two patterns of four have a text in common of at most six, but of those listed nearly always one.
      #expect(overlaps || shared.isEmpty, "seed \(seed): \(a) ∩ \(b)")
      #expect(overlaps == NaivePattern.overlap(a, b) && contains == NaivePattern.contains(a, b), "seed \(seed): \(a), \(b)")
    }
    #expect(counts.contained > 20 && counts.apart > 20, "\(counts)")
  }

  /// Characters of one byte to four, two forms of é among them: a wildcard stands for a scalar, whatever its bytes.
  @Test func `patterns of any characters are held against one another as against texts`() {
    let letters = ["e", "\u{301}", "\u{E9}", "\u{4E2D}", "\u{1F511}", "/"]
    let texts = (0..<4).reduce(into: [""]) { texts, length in
      texts += texts.filter { $0.unicodeScalars.count == length }.flatMap { text in letters.map { text + $0 } }
    }
    var counts = (matched: 0, contained: 0, apart: 0)
    for seed in UInt64(0)..<400 {
      var random = SeededGenerator(seed: seed)
      func pattern() -> String { (0..<1 + random.below(3)).map { _ in random.pick(letters + ["*", "*", "?"]) }.joined() }
      let (a, b) = (pattern(), pattern())
      let compiled = Pattern(a)
      for text in texts where compiled.matches(text) != NaivePattern.matches(a, text) {
        Issue.record("seed \(seed): \(a) and \(text)")
        return
      }
      counts.matched += texts.contains { compiled.matches($0) } ? 1 : 0
      let (contains, overlaps) = (Self.shape(a).contains(Self.shape(b)), Self.shape(a).overlaps(Self.shape(b)))
      #expect(overlaps == NaivePattern.overlap(a, b) && contains == NaivePattern.contains(a, b), "seed \(seed): \(a), \(b)")
      counts.contained += contains ? 1 : 0
      counts.apart += overlaps ? 0 : 1
    }
    #expect(counts.matched > 100 && counts.contained > 20 && counts.apart > 20, "\(counts)")
  }

  @Test(arguments: [
    ("*", "anything", true), ("repo.*", "repo.read", true), ("repo.*", "repo.*", true), ("repo.*", "repo.a*", true),
    ("repo.*", "*", false), ("repo.?", "repo.*", false), ("repo.*", "repo.?", true), ("repo.a", "repo.?", false),
    ("*.admin", "repo.*.admin", true), ("*a*", "*b*", false), ("a?c", "abc", true), ("a?c", "a?c", true), ("**", "*", true),
    // Not proved, though it does contain it.
    ("*?", "?*", false),
  ])
  func `a pattern contains another`(_ pattern: String, _ other: String, _ expected: Bool) {
    #expect(Self.shape(pattern).contains(Self.shape(other)) == expected)
  }

  @Test func `a reach contains another where it reaches all that the other does, and meets it where they share something`() {
    let scopes = ["*", "a", "a/b", "b", "a/b/z", "ab"]
    var counts = (contained: 0, apart: 0)
    for seed in UInt64(0)..<600 {
      var random = SeededGenerator(seed: seed)
      let (deny, right) = (random.pick(scopes), random.pick(scopes))
      let resources = [Self.pattern(&random)] + (random.chance(1, in: 3) ? [Self.pattern(&random)] : [])
      let wanted = random.chance(1, in: 3) ? "*" : Self.pattern(&random)
      func reach(_ resources: [String], _ scope: String) -> Reach {
        Reach(actions: [Pattern("*")], resources: resources.map(Pattern.init), scope: scope)
      }
      func isReached(_ text: String, _ resources: [String], _ scope: String) -> Bool {
        !text.isEmpty && NaivePattern.covers(scope, text) && resources.contains { NaivePattern.matches($0, text) }
      }
      let (mine, theirs) = (reach(resources, deny), reach([wanted], right))
      let name = "seed \(seed): \(resources) on \(deny), \(wanted) on \(right)"
      let held = Self.texts.filter { isReached($0, [wanted], right) }
      if mine.contains(theirs) {
        counts.contained += 1
        #expect(held.allSatisfy { isReached($0, resources, deny) }, "\(name)")
      }
      if !mine.mayMeet(theirs) {
        counts.apart += 1
        #expect(!held.contains { isReached($0, resources, deny) }, "\(name)")
      }
    }
    #expect(counts.contained > 20 && counts.apart > 20, "\(counts)")
  }

  @Test func `a question mark of a scope is no wildcard`() {
    let right = Reach(actions: [Pattern("x")], resources: [Pattern("*")], scope: "a?")
    func deny(_ resource: String) -> Reach { Reach(actions: [Pattern("*")], resources: [Pattern(resource)], scope: "*") }
    #expect(!deny("ab").mayMeet(right))
    #expect(deny("a?").mayMeet(right))
    #expect(deny("a?*").contains(right))
    #expect(!deny("ab*").mayMeet(right))
  }
}
