import Foundation

/// A line on the terminal that says how far a long job is and when it will be done; silent where stderr is no terminal.
final class Progress {
  private let what: String
  private let isShown: Bool
  private let began: DispatchTime
  private var lastShown: DispatchTime?

  /// Milliseconds between two lines: often enough to look alive, seldom enough to cost nothing.
  private static let everyMilliseconds: UInt64 = 200

  init(_ what: String) {
    self.what = what
    isShown = isatty(STDERR_FILENO) != 0
    began = DispatchTime.now()
  }

  /// Shows a remark of its own, for steps without a count.
  func say(_ remark: String) {
    if isShown { write("\r\u{1B}[K\(remark)\n") }
  }

  func advance(_ done: Int64, of total: Int64) {
    guard isShown else { return }
    let now = DispatchTime.now()
    if let lastShown, done < total, (now.uptimeNanoseconds - lastShown.uptimeNanoseconds) / 1_000_000 < Self.everyMilliseconds {
      return
    }
    lastShown = now
    let seconds = Double(now.uptimeNanoseconds - began.uptimeNanoseconds) / 1e9
    let share = total > 0 ? Double(done) / Double(total) : 1
    let left = share > 0 ? seconds / share - seconds : 0
    let eta = done >= total ? "done in \(Self.text(seconds))" : "about \(Self.text(left)) left"
    write("\r\u{1B}[K\(what): \(done) of \(total) (\(Int(share * 100)) %), \(eta)")
    if done >= total { write("\n") }
  }

  private static func text(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }

  private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
