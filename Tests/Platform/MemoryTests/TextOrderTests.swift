import Memory
import TestSupport
import Testing

@Suite struct TextOrderTests {
  /// How many texts: around where counting takes over from comparing, and many.
  static let counts = [0, 1, 2, 95, 96, 97, 300, 5000]

  @Test(arguments: counts, 0..<8 as Range<UInt64>)
  func `texts come in the order of their bytes`(count: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let texts = Texts()
    // Few letters after a common beginning make neighbours alike for eight bytes and more; NUL and é are bytes like others.
    let beginning = ["", "person-", "a/very/long/path/"].randomElement(using: &random) ?? ""
    let letters = Array(["ab", "0123456789", "a\u{0}é"].randomElement(using: &random) ?? "ab")
    var numbers: Set<Int32> = []
    for _ in 0..<count {
      let length = random.below(letters.count == 2 ? 20 : 12)
      let ending = (0..<length).map { _ in String(letters[random.below(letters.count)]) }.joined()
      numbers.insert(texts.number(beginning + ending))
    }
    let asked = numbers.sorted().shuffled(using: &random)
    let found = texts.order(of: asked).map { Array(texts[asked[Int($0)]].utf8) }
    let wanted = asked.map { Array(texts[$0].utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(found == wanted, "seed \(seed), \(count) texts")
  }
}
