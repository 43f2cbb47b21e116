/// Why a declarative directory was refused, with the place in its file.
public struct DeclaredError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or the directory where no single file is at fault.
  public let path: String
  /// The line, counted from 1; 0 where no line is at fault.
  public let line: Int
  /// The reason, in lower case and without a full stop.
  public let message: String

  init(_ message: String, path: String, line: Int = 0) {
    (self.message, self.path, self.line) = (message, path, line)
  }

  /// File, line and reason in one line.
  public var description: String { line == 0 ? "`\(path)`: \(message)" : "`\(path)`, line \(line): \(message)" }
}
