import Cryptography
import FoundationEssentials
public import Temporal

/// The present moment; a parameter everywhere.
public typealias WallClock = @Sendable () -> Instant

/// So many random bytes that nobody can predict; a parameter everywhere.
public typealias Randomness = @Sendable (_ count: Int) -> [UInt8]

/// The machine's own clock and randomness.
public enum System {
  /// Microseconds from the Unix epoch to 2001, which Foundation counts from.
  private static let microsecondsToReferenceDate: Int64 = 978_307_200_000_000

  /// The machine's clock, in whole microseconds.
  public static let clock: WallClock = {
    // A double counts microseconds since 2001 exactly until the year 2286.
    let microseconds = Int64((Date.now.timeIntervalSinceReferenceDate * 1_000_000).rounded())
    return Instant(microseconds: microseconds + microsecondsToReferenceDate)
  }

  /// The machine's secure randomness.
  public static let randomness: Randomness = { SecureRandom.bytes($0) }
}
