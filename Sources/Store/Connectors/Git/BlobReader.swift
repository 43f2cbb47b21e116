import Foundation

/// One `git cat-file --batch` process, asked for one content after the other.
final class BlobReader {
  private let process: Process
  private let requests: FileHandle
  private let answers: FileHandle
  private let path: String
  private var buffer: [UInt8] = []
  private var place = 0

  /// Starts the process; `path` is what errors name.
  init(_ git: GitProgram, path: String) throws(GitError) {
    self.path = path
    process = git.process(["--git-dir=history.git", "cat-file", "--batch"])
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    requests = input.fileHandleForWriting
    answers = output.fileHandleForReading
    do { try process.run() } catch { throw .damaged(path: path, detail: "git cat-file does not run") }
  }

  /// Ends the process by closing its input.
  func close() {
    try? requests.close()
    process.waitUntilExit()
  }

  /// The content; nil where it is larger than the limit, in which case it is passed over.
  func content(of blob: String, maximumBytes: Int) throws(GitError) -> [UInt8]? {
    do { try requests.write(contentsOf: Data("\(blob)\n".utf8)) } catch { throw stopped }
    let header = String(decoding: try line(), as: UTF8.self).split(separator: " ")
    guard header.count == 3, header[1] == "blob", let size = Int(header[2]) else {
      throw .damaged(path: path, detail: "the content \(blob) is missing")
    }
    let content = try take(size, isKept: size <= maximumBytes)
    _ = try take(1, isKept: false)  // the line end after the content
    return size <= maximumBytes ? content : nil
  }

  private var stopped: GitError { .damaged(path: path, detail: "git cat-file stopped") }

  private func line() throws(GitError) -> [UInt8] {
    var line: [UInt8] = []
    while true {
      if place == buffer.count { try fill() }
      let byte = buffer[place]
      place += 1
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
  }

  private func take(_ count: Int, isKept: Bool) throws(GitError) -> [UInt8] {
    var taken: [UInt8] = []
    if isKept { taken.reserveCapacity(count) }
    var missing = count
    while missing > 0 {
      if place == buffer.count { try fill() }
      let part = min(missing, buffer.count - place)
      if isKept { taken += buffer[place..<place + part] }
      place += part
      missing -= part
    }
    return taken
  }

  private func fill() throws(GitError) {
    // What is there already; reading a fixed count would wait for more than git has to say.
    buffer = [UInt8](answers.availableData)
    if buffer.isEmpty { throw stopped }
    place = 0
  }
}
