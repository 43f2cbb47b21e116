import Glibc

/// The user that the server runs as: whoever calls, but never root, whom PostgreSQL refuses.
struct ServerUser {
  let userID: uid_t
  let groupID: gid_t
  /// True if the caller is root and has to become that user.
  let mustSwitch: Bool

  /// Who may run a server on a directory: its owner if it exists, else the caller, and in root's place `postgres` or `nobody`.
  static func forData(at path: String) throws(EmbeddedServerError) -> ServerUser {
    let caller = geteuid()
    let existing = FileFacts(path)
    guard caller == 0 else {
      guard existing == nil || existing?.owner == caller else {
        throw EmbeddedServerError(
          .dataDirectory, "`\(path)` belongs to user \(existing?.owner ?? 0); run as that user or as root")
      }
      return ServerUser(userID: caller, groupID: getegid(), mustSwitch: false)
    }
    if let existing, existing.owner != 0, let entry = unsafe getpwuid(existing.owner) {
      return unsafe ServerUser(userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, mustSwitch: true)
    }
    for name in ["postgres", "nobody"] {
      if let entry = unsafe getpwnam(name) {
        return unsafe ServerUser(userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, mustSwitch: true)
      }
    }
    throw EmbeddedServerError(.startFailed, "PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
  }

  /// Gives a file or directory, not what is in it, to the user.
  func own(_ path: String) throws(EmbeddedServerError) {
    guard mustSwitch else { return }
    guard unsafe lchown(path, userID, groupID) == 0 else {
      throw EmbeddedServerError(.dataDirectory, "cannot give `\(path)` to user \(userID): \(describe(errno))")
    }
  }

  /// The command that runs a program as the user.
  ///
  /// Where a folder above one of `reaching` is closed to the user, as `/root` is, the program gets the capability to pass through
  /// (CAP_DAC_READ_SEARCH); nowhere else, for it also opens every file to be read.
  func command(_ program: [String], reaching paths: [String]) throws(EmbeddedServerError) -> [String] {
    guard mustSwitch else { return program }
    var switching = ["/usr/bin/setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--init-groups"]
    if let closed = paths.lazy.compactMap(firstClosedFolder(above:)).first {
      guard Self.callerMaySearchAnywhere() else {
        throw EmbeddedServerError(
          .dataDirectory,
          "user \(userID), who runs PostgreSQL, cannot pass `\(closed)`; `chmod o+x` it or choose another --data")
      }
      switching += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    }
    return switching + ["--"] + program
  }

  /// The first folder on the way to a path that the user may not pass.
  private func firstClosedFolder(above path: String) -> String? {
    var folder = ""
    for name in path.split(separator: "/").dropLast() {
      folder += "/" + name
      guard let facts = FileFacts(folder) else { return folder }
      let bit: mode_t = facts.owner == userID ? 0o100 : facts.group == groupID ? 0o010 : 0o001
      if facts.mode & bit == 0 { return folder }
    }
    return nil
  }

  /// True if this process has the capability to hand on: bit 2 of the permitted set (`capabilities(7)`).
  private static func callerMaySearchAnywhere() -> Bool {
    guard let status = readSmallFile("/proc/self/status") else { return false }
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapPrm:") }
    let bits = line.flatMap { UInt64($0.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) }
    return (bits ?? 0) & (1 << 2) != 0
  }
}

/// What the file system says of a path, the link itself if it is one.
struct FileFacts {
  let owner: uid_t
  let group: gid_t
  let mode: mode_t

  /// `nil` if there is nothing there, or it cannot be seen.
  init?(_ path: String) {
    var facts = stat()
    guard unsafe lstat(path, &facts) == 0 else { return nil }
    owner = facts.st_uid
    group = facts.st_gid
    mode = facts.st_mode
  }

  var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
}

/// The text of a file of a few kilobytes; `nil` if it cannot be read.
func readSmallFile(_ path: String) -> String? {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  return readSome(from: descriptor)
}

/// What one reading of an open file gives.
func readSome(from descriptor: Int32) -> String? {
  // Longer than any file read here; what is beyond is not looked at.
  var bytes = [UInt8](repeating: 0, count: 16 * 1024)
  let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
  return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
}
