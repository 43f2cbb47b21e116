import Foundation

/// A program that the bench ran has failed.
struct ChildFailure: Error, CustomStringConvertible {
  let description: String
}

/// Another program, run to its end or until it is stopped.
enum ChildProgram {
  /// Runs it and answers what it wrote; a status other than 0 is an error with its last words.
  @discardableResult
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], discardingOutput: Bool = false
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    let complaints = Pipe()
    process.standardOutput = discardingOutput ? FileHandle.nullDevice : output
    process.standardError = complaints
    try process.run()
    // Both are read to their end, one of them aside, so that neither pipe fills up while the other is waited for.
    let aside = Aside { complaints.fileHandleForReading.readDataToEndOfFile() }
    let text = discardingOutput ? Data() : output.fileHandleForReading.readDataToEndOfFile()
    let said = aside.wait()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let name = URL(fileURLWithPath: path).lastPathComponent
      let last = String(decoding: said, as: UTF8.self).split(separator: "\n").suffix(8).joined(separator: "\n")
      throw ChildFailure(description: "\(name) ended with \(process.terminationStatus): \(last)")
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Work on a thread of its own, whose result is waited for.
final class Aside<T: Sendable>: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var result: T?

  init(_ body: @escaping @Sendable () -> T) {
    let thread = Thread {
      self.result = body()
      self.done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// The result; called once.
  func wait() -> T {
    done.wait()
    guard let result else { preconditionFailure("the result is there when the semaphore is") }
    return result
  }
}
