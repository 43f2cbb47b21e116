import Cryptography
import Testing

@Suite struct SHA256Tests {
  /// NIST, "Secure Hash Standard" example values and CAVP short messages.
  static let vectors: [(message: [UInt8], digest: String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ([0xBD], "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
    (
      [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ]

  @Test(arguments: vectors) func `the digests of NIST's messages are theirs, whole and in parts`(
    message: [UInt8], digest: String
  ) {
    #expect(SHA256.digest(message).hexadecimal == digest)
    let middle = message.count / 3
    #expect(SHA256.digest(of: [Array(message[..<middle]), [], Array(message[middle...])]).hexadecimal == digest)
    var hash = SHA256()
    for start in stride(from: 0, to: message.count, by: 61) {
      hash.update(Array(message[start..<min(start + 61, message.count)]))
    }
    #expect(hash.finalize().hexadecimal == digest)
  }

  @Test func `tasks digest at the same time`() async {
    let expected = SHA256.digest(Array("abc".utf8))
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<16 {
        group.addTask { (0..<200).allSatisfy { _ in SHA256.digest(Array("abc".utf8)) == expected } }
      }
      for await isSame in group { #expect(isSame) }
    }
  }

  @Test func `a stored digest is taken only with 32 bytes`() throws {
    let digest = SHA256.digest([1])
    #expect(Digest(digest.bytes) == digest)
    #expect(Digest(hexadecimal: digest.description) == digest)
    #expect(Digest(digest.bytes.dropLast()) == nil)
    #expect(Digest(hexadecimal: digest.hexadecimal + "00") == nil)
    #expect(Digest(hexadecimal: "zz") == nil)
  }
}

@Suite struct HMACTests {
  /// RFC 4231, sections 4.2 to 4.8, but for the truncated one.
  static let vectors: [(key: [UInt8], message: [UInt8], code: String)] = [
    (
      .init(repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      .init(repeating: 0xAA, count: 20), .init(repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      Array(1...25), .init(repeating: 0xCD, count: 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
    (
      .init(repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
      .init(repeating: 0xAA, count: 131),
      Array(
        ("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed "
          + "before being used by the HMAC algorithm.").utf8),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ]

  @Test(arguments: vectors) func `the codes of RFC 4231 are computed`(key: [UInt8], message: [UInt8], code: String) {
    #expect(Hexadecimal.encode(HMAC.sha256(message, key: key)) == code)
  }

  @Test func `an empty message has a code`() {
    // Python: hmac.new(b"k", b"", "sha256").hexdigest()
    #expect(
      Hexadecimal.encode(HMAC.sha256([], key: Array("k".utf8)))
        == "8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620")
  }
}

@Suite struct IdentifierTests {
  @Test func `hexadecimal digits are written and read back`() {
    let bytes: [UInt8] = [0x00, 0x0F, 0xA5, 0xFF]
    #expect(Hexadecimal.encode(bytes) == "000fa5ff")
    #expect(Hexadecimal.decode("000fA5Ff") == bytes)
    #expect(Hexadecimal.decode("") == [])
    for text in ["0", "0g", "0x00", " 00", "０0"] { #expect(Hexadecimal.decode(text) == nil, "\(text)") }
  }

  @Test func `random bytes have the length asked for and do not repeat`() {
    #expect(SecureRandom.bytes(0).isEmpty)
    let drawn = (0..<100).map { _ in SecureRandom.bytes(16) }
    #expect(drawn.allSatisfy { $0.count == 16 })
    #expect(Set(drawn).count == 100)
  }

  @Test func `a UUID of version 7 is that of RFC 9562, appendix A 6`() throws {
    let random = try #require(Hexadecimal.decode("0cc398c4dc0c0c07398f"))
    let identifier = UUIDv7(milliseconds: 0x017F_22E2_79B0, random: random)
    #expect(identifier.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
  }

  @Test func `the version and variant of a UUID do not depend on the random bytes`() {
    #expect(
      UUIDv7(milliseconds: 0, random: .init(repeating: 0xFF, count: 10)).description == "00000000-0000-7fff-bfff-ffffffffffff")
    #expect(
      UUIDv7(milliseconds: 0, random: .init(repeating: 0, count: 10)).description == "00000000-0000-7000-8000-000000000000")
  }

  @Test func `later identifiers sort later and those of one millisecond differ`() {
    #expect(UUIDv7(milliseconds: 1) < UUIDv7(milliseconds: 2))
    #expect(UUIDv7(milliseconds: 1).description < UUIDv7(milliseconds: 256).description)
    #expect(UUIDv7(milliseconds: 1) != UUIDv7(milliseconds: 1))
  }
}
