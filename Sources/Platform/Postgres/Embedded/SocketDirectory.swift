import FoundationEssentials
import Glibc

/// The private folder that the server's Unix socket is in: a short path, for the kernel allows no long ones.
enum SocketDirectory {
  /// The longest path of a Unix socket (`sun_path` is 108 bytes with the final NUL).
  static let maximumPathBytes = 107
  /// The socket's own name: the port is a number in it, for there is no TCP.
  static let socketName = ".s.PGSQL.5432"

  /// The folder noted in a file if it is still there and still private, else a new one, which is noted.
  static func open(notedIn note: String, for user: ServerUser) throws(EmbeddedServerError) -> String {
    if let noted = readSmallFile(note), let facts = FileFacts(noted),
      facts.isDirectory, facts.owner == user.userID, facts.mode & 0o777 == 0o700
    {
      return noted
    }
    let path = try make()
    try user.own(path)
    do {
      try Data(path.utf8).write(to: URL(filePath: note), options: .atomic)
    } catch {
      throw EmbeddedServerError(.dataDirectory, "cannot write `\(note)`")
    }
    return path
  }

  /// Makes a folder that no other user may enter, below `TMPDIR` or, where that is too long, `/tmp`.
  private static func make() throws(EmbeddedServerError) -> String {
    let set = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let template = "/tenure-XXXXXX"
    let fits = set.hasPrefix("/") && "\(set)\(template)/\(socketName)".utf8.count <= maximumPathBytes
    var bytes = Array(((fits ? set : "/tmp") + template).utf8CString)
    guard unsafe mkdtemp(&bytes) != nil else {
      throw EmbeddedServerError(.startFailed, "cannot make a folder for the socket below `\(set)`: \(describe(errno))")
    }
    return String(decoding: bytes.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Removes the folder of a server that has ended, and the note.
  static func remove(notedIn note: String) {
    guard let noted = readSmallFile(note) else { return }
    // Only these two names are the server's; a folder with anything else in it is left.
    unsafe unlink("\(noted)/\(socketName)")
    unsafe unlink("\(noted)/\(socketName).lock")
    unsafe rmdir(noted)
    unsafe unlink(note)
  }
}
