import Foundation

/// How things are timed.
enum Measuring {
  /// Runs of which the median is taken.
  static let runs = 5

  /// The seconds that a body takes.
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    return try clock.measure(body).seconds
  }

  /// The seconds of one call, from as many calls as fill the time; for what is too quick to be timed alone.
  ///
  /// The body is told the number of the call, so that it can ask something else each time.
  ///
  /// - Parameter least: how many calls there are at the least, however long they take. The default is one.
  static func secondsPerCall(
    atLeast seconds: Double, calls least: Int = 1, _ body: (Int) throws -> Void
  ) rethrows -> Double {
    var calls = 0
    var batch = 1
    let clock = ContinuousClock()
    let start = clock.now
    while true {
      for _ in 0..<batch {
        try body(calls)
        calls += 1
      }
      let taken = (clock.now - start).seconds
      if taken >= seconds, calls >= least { return taken / Double(calls) }
      let missing = max(Double(calls) * (seconds - taken) / max(taken, 1e-9) / 2, Double(least - calls))
      batch = max(1, min(batch * 2, Int(min(missing, 1e9))))
    }
  }

  /// Runs each body in turn, several times over, and answers each one's median: what drifts, drifts for all.
  static func interleaved(_ bodies: [() throws -> Double]) throws -> [Double] {
    var samples: [[Double]] = bodies.map { _ in [] }
    for _ in 0..<runs {
      for (index, body) in bodies.enumerated() { samples[index].append(try body()) }
    }
    return samples.map(median)
  }

  /// The middle one; of an even number the mean of the two in the middle.
  static func median(_ samples: [Double]) -> Double { percentile(samples, 0.5) }

  /// A percentile, interpolated between its neighbours.
  static func percentile(_ samples: [Double], _ share: Double) -> Double {
    guard !samples.isEmpty else { return .nan }
    let sorted = samples.sorted()
    let place = Double(sorted.count - 1) * share
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
  }

  /// Keeps the optimiser from leaving out a question whose answer nobody reads.
  @inline(never)
  static func consume<T>(_ value: T) { withExtendedLifetime(value) {} }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// The memory of this process, as the kernel counts it (proc(5)).
enum ProcessMemory {
  /// Resident bytes now.
  static var resident: Int { field("VmRSS:") }
  /// The most there ever were.
  static var peak: Int { field("VmHWM:") }

  /// Begins to count the peak anew (proc(5), `clear_refs`).
  static func forgetPeak() { try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8) }

  private static func field(_ name: String) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) })
    else { return 0 }
    return (Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "0") ?? 0) * 1024
  }
}
