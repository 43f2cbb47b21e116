import TestSupport
import Testing

@testable import Jobs

/// When what failed is sent again.
@Suite struct RetryScheduleTests {
  private static let second: Int64 = 1_000_000

  @Test func `pauses grow to twelve hours, and none is shorter than its own or longer by more than a fifth`() {
    var random = SeededGenerator(seed: 71)
    let usual: [Int64] = [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200]
    for (index, seconds) in usual.enumerated() {
      var pauses: Set<Int64> = []
      for _ in 0..<200 {
        let pause = RetrySchedule.pause(after: Int32(index + 1), jitter: random.next())
        #expect(pause >= seconds * Self.second && pause < seconds * Self.second * 6 / 5)
        pauses.insert(pause)
      }
      #expect(pauses.count > 190)
    }
    #expect(RetrySchedule.pause(after: .max, jitter: .max) < 52_000 * Self.second)
  }

  @Test func `the jitter follows from the attempt, and differs between deliveries and attempts`() {
    let all = (0..<50).flatMap { delivery in
      (1...5).map { RetrySchedule.jitter(of: "hook:\(delivery)", attempt: Int32($0)) }
    }
    #expect(Set(all).count == all.count)
    #expect(RetrySchedule.jitter(of: "hook:1", attempt: 1) == all[5])
  }

  @Test func `what a receiver asks for is honoured up to an hour, and never shortens a pause`() {
    #expect(RetrySchedule.pause(after: 1, jitter: 0, retryAfterSeconds: 90) == 90 * Self.second)
    #expect(RetrySchedule.pause(after: 1, jitter: 0, retryAfterSeconds: 1) == 5 * Self.second)
    #expect(RetrySchedule.pause(after: 1, jitter: 0, retryAfterSeconds: .max) == 3_600 * Self.second)
    #expect(RetrySchedule.pause(after: 1, jitter: 0, retryAfterSeconds: .min) == 5 * Self.second)
    #expect(RetrySchedule.rest(after: 1, retryAfterSeconds: 90) == 90 * Self.second)
    #expect(RetrySchedule.rest(after: 3, retryAfterSeconds: .max) == 3_600 * Self.second)
  }

  @Test func `a receiver that is not well rests longer and longer, ten minutes at the most`() {
    #expect((1...6).map { RetrySchedule.rest(after: Int32($0)) / Self.second } == [5, 30, 120, 600, 600, 600])
    #expect(RetrySchedule.rest(after: .max) == 600 * Self.second)
  }
}
