@testable import Compression
import TestSupport
import Testing

@Suite struct `Reading gzip` {
  /// `hello`, as Python's gzip module writes it.
  static let hello = bytes("1F8B0800000000000203CB48CDC9C9070086A6103605000000")
  static let empty = bytes("1F8B080000000000020303000000000000000000")
  /// A million zero bytes in a thousand.
  static let zeros =
    bytes("1F8B0800000000000203EDC101010000008220FFAF6E484001") + [UInt8](repeating: 0, count: 968)
    + bytes("AF069ECB791240420F00")

  static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal.utf8).map { UInt8(String(UnicodeScalar($0)), radix: 16) ?? 0 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  @Test func `members are joined, and padding is passed over`() throws {
    #expect(try Gzip.decompress(Self.hello, maximumBytes: 5) == Array("hello".utf8))
    #expect(try Gzip.decompress(Self.empty, maximumBytes: 0) == [])
    let several = Self.hello + Self.empty + Self.hello + [0, 0, 0]
    #expect(try Gzip.decompress(several, maximumBytes: 10) == Array("hellohello".utf8))
  }

  @Test func `content is bounded, however short the file`() throws {
    #expect(throws: GzipError.self) { try Gzip.decompress(Self.hello, maximumBytes: 4) }
    #expect(throws: GzipError.self) { try Gzip.decompress(Self.hello + Self.hello, maximumBytes: 9) }
    #expect(try Gzip.decompress(Self.zeros, maximumBytes: 1_000_000) == [UInt8](repeating: 0, count: 1_000_000))
    do {
      _ = try Gzip.decompress(Self.zeros, maximumBytes: 999_999)
      Issue.record("a content longer than allowed was read")
    } catch {
      #expect(error.kind == .tooLong(maximumBytes: 999_999))
    }
  }

  @Test func `every cut is truncation, and no damage is content`() {
    for length in 2..<Self.hello.count {
      #expect(kind(of: Array(Self.hello.prefix(length))) == .truncated, "cut to \(length) bytes")
    }
    #expect(kind(of: Array("plain text".utf8)) == .notGzip)
    #expect(kind(of: []) == .notGzip)
    #expect(kind(of: Self.hello + [7]) == .trailingContent)
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      var damaged = Self.hello
      let place = random.below(damaged.count)
      damaged[place] ^= UInt8(1 << random.below(8))
      // Some bits say nothing, such as those of the time; all else is protected by the check sum.
      if let content = try? Gzip.decompress(damaged, maximumBytes: 100) {
        #expect(content == Array("hello".utf8), "seed \(seed), byte \(place)")
      }
    }
  }

  @Test func `pieces come to the same as the whole, wherever it is cut`() throws {
    let file = Self.hello + Self.empty + Self.zeros + Self.hello + [0, 0]
    let whole = try Gzip.decompress(file, maximumBytes: 2_000_000)
    let seed: UInt64 = 5
    var random = SeededGenerator(seed: seed)
    for longest in [1, 2, 7, 400] {
      var unpacking = GzipUnpacking(maximumBytes: 2_000_000)
      var content: [UInt8] = []
      var rest = file[...]
      while !rest.isEmpty {
        let length = 1 + random.below(longest)
        content += try unpacking.unpack(Array(rest.prefix(length)))
        rest = rest.dropFirst(length)
      }
      try unpacking.finish()
      #expect(content == whole, "seed \(seed), pieces of up to \(longest)")
    }
    var unpacking = GzipUnpacking(maximumBytes: 9)
    #expect(try unpacking.unpack(Self.hello) == Array("hello".utf8))
    do {
      _ = try unpacking.unpack(Self.hello)
      Issue.record("a content longer than allowed was read")
    } catch { #expect(error == GzipError(.tooLong(maximumBytes: 9), at: 2 * Self.hello.count)) }
  }

  private func kind(of bytes: [UInt8]) -> GzipError.Kind? {
    do {
      _ = try Gzip.decompress(bytes, maximumBytes: 100)
      return nil
    } catch { return error.kind }
  }
}
