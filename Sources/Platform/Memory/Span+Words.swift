public import Glibc

/// Bytes that someone else keeps.
public typealias ByteSpan = Span<UInt8>

/// Reading bytes several at a time: what a scanner of megabytes needs and `Span` gives one by one only.
///
/// Every offset is checked, so that a wrong one traps or answers false; nothing is read outside the span. All of it is inlined,
/// for with a literal of known length a comparison becomes a few instructions.
extension Span where Element == UInt8 {
  /// The eight bytes from an offset on, the first of them lowest.
  ///
  /// - Precondition: they lie within the span.
  @inlinable
  @inline(__always)
  public func word(at offset: Int) -> UInt64 {
    // Loading is checked against the span's bounds; it is called unsafe for types whose values are not all bit patterns.
    unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Whether the bytes from an offset on are those of a literal; false where they end before it.
  ///
  /// - Precondition: the offset is not negative.
  @inlinable
  @inline(__always)
  public func holds(_ literal: StaticString, at offset: Int) -> Bool {
    precondition(offset >= 0 && literal.hasPointerRepresentation, "an offset counts from the start")
    let count = literal.utf8CodeUnitCount
    guard offset <= self.count, count <= self.count - offset else { return false }
    return unsafe withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return count == 0 }
      return unsafe memcmp(start + offset, literal.utf8Start, count) == 0
    }
  }

  /// Whether the bytes from an offset on are those of a range; false where they end before it.
  ///
  /// - Precondition: the offset is not negative, and the range lies within the span.
  @inlinable
  public func repeats(_ range: Range<Int>, at offset: Int) -> Bool {
    precondition(offset >= 0 && range.lowerBound >= 0 && range.upperBound <= count, "a range lies within the span")
    guard offset <= count, range.count <= count - offset else { return false }
    return unsafe withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return true }
      return unsafe memcmp(start + offset, start + range.lowerBound, range.count) == 0
    }
  }
}
