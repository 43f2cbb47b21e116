import Cryptography

/// When what failed is sent again, and when it is given up.
///
/// Pure: the jitter follows from what is sent, so that the same attempt always has the same pause.
enum RetrySchedule {
  private static let second: Int64 = 1_000_000
  private static let hour = 3_600 * second

  /// Pauses after the first failure, the second, …; after the last of these each is as long.
  ///
  /// Short ones for a receiver that is started anew, long ones for one that is broken over a weekend: a run of the job comes
  /// once a minute, so the first may be a minute too.
  static let pauses: [Int64] = [
    5 * second, 30 * second, 120 * second, 600 * second, hour, 3 * hour, 6 * hour, 12 * hour,
  ]
  /// Since its first attempt a delivery is tried for so long at least: a receiver that fails for a week, with somebody away,
  /// still gets what it missed.
  static let givenUpAfter = 8 * 24 * hour
  /// How long a webhook rests at most whose receiver is not well and asks for nothing: the next event may be the end of an access.
  static let longestRest = 600 * second
  /// After so many troubles in a row an operator is told, once: no restart of a receiver takes the ten minutes and more that they take.
  static let troublesAlarmed: Int32 = 5
  /// How much of what a receiver asks for in `Retry-After` it gets.
  static let longestRetryAfter = hour
  /// By how much a pause is made longer at the most, so that what failed together does not come together again: a fifth.
  private static let jitterShare: Int64 = 5

  /// Microseconds until the next attempt.
  ///
  /// - Parameters:
  ///   - attempts: how many there were, one at least.
  ///   - jitter: any number; spread evenly it spreads the attempts.
  ///   - retryAfterSeconds: what the receiver asked for; nil where it did not.
  static func pause(after attempts: Int32, jitter: UInt64, retryAfterSeconds: Int? = nil) -> Int64 {
    let pause = pauses[min(Int(attempts), pauses.count) - 1]
    let longer = pause + Int64(jitter % UInt64(pause / jitterShare))
    return max(longer, limited(retryAfterSeconds))
  }

  /// Microseconds for which a webhook rests whose receiver is not well.
  ///
  /// - Parameter troubles: how many times in a row it was not, one at least.
  static func rest(after troubles: Int32, retryAfterSeconds: Int? = nil) -> Int64 {
    max(min(pauses[min(Int(troubles), pauses.count) - 1], longestRest), limited(retryAfterSeconds))
  }

  private static func limited(_ retryAfterSeconds: Int?) -> Int64 {
    let seconds = Int64(max(0, min(retryAfterSeconds ?? 0, Int(longestRetryAfter / second))))
    return seconds * second
  }

  /// The jitter of an attempt.
  static func jitter(of delivery: String, attempt: Int32) -> UInt64 {
    SHA256.digest(Array("\(delivery):\(attempt)".utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
