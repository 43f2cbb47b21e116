import Foundation

/// An independent HTTP client: the curl command.
struct Curl {
  private let process = Process()
  private let output = Pipe()

  /// Starts curl.
  init(_ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
    process.arguments = ["--silent", "--max-time", "20", "--path-as-is"] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  /// Reads what there is of the output, at least a byte; nil or empty at its end.
  func read() throws -> Data? { try output.fileHandleForReading.read(upToCount: 64 << 10) }

  /// Reads to the end and gives curl's exit status: 0 success, 18 a truncated body, 28 timeout, 52 no answer.
  func finish() -> (text: String, status: Int32) {
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (text, process.terminationStatus)
  }

  /// Runs curl to its end.
  static func run(_ arguments: String...) throws -> (text: String, status: Int32) {
    try Curl(arguments).finish()
  }
}

/// Bytes as they are on a connection of their own: bash, which opens `/dev/tcp`.
enum RawClient {
  /// Sends the request, reads until the server closes or `seconds` are over; a second part is sent after the first line came.
  static func send(_ request: String, then rest: String? = nil, to port: Int, seconds: Double = 20) throws -> String {
    let wait = rest.map { #"IFS= read -r line <&3; printf '%s\n' "$line"; printf '%b' '\#(escaped($0))' >&3;"# } ?? ""
    // `read` has a time limit of its own; `timeout` would need the signals that a test's threads block.
    let readAll = #"IFS= read -r -d '' -t \#(seconds) answer <&3; printf '%s' "$answer""#
    let script = #"exec 3<>/dev/tcp/127.0.0.1/\#(port); printf '%b' '\#(escaped(request))' >&3; \#(wait) \#(readAll)"#
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  /// Every byte as an octal escape, so that neither the shell nor its arguments' NUL gets in the way.
  private static func escaped(_ text: String) -> String {
    text.utf8.map { #"\0"# + String($0, radix: 8) }.joined()
  }
}
