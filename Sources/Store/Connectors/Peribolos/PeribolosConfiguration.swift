import YAML

/// A file that makes a commit invalid.
struct InvalidFile: Hashable {
  let path: String
  let error: YAMLError
  /// The organisations that the file is known to have declared; empty where that is not known.
  let organisations: [String]
}

/// The files of a repository as of one commit, each read once for each content that it has.
struct PeribolosConfiguration {
  private enum File {
    case read(PeribolosFile)
    case invalid(YAMLError)
    /// No YAML, and nothing says that it should be a configuration; an error only where there is no other.
    case doubtful(YAMLError)
  }

  private var files: [String: File] = [:]
  /// The files of the last commit that was valid.
  private var valid: [String: PeribolosFile] = [:]
  /// The paths that changed since.
  private var changed: Set<String> = []
  /// What is odd and no error, each once.
  private(set) var warnings: Set<String> = []

  /// The organisations of the last commit that was valid.
  var organisations: [String] { valid.values.flatMap { $0.organisations.map(\.name) }.sorted() }

  /// Takes a commit's changes in; contents are read as they are needed.
  mutating func take(_ commit: Commit, from history: GitHistory) throws(GitError) {
    for change in commit.changes where change.path.hasSuffix(".yaml") || change.path.hasSuffix(".yml") {
      changed.insert(change.path)
      guard let blob = change.blob else {
        files[change.path] = nil
        continue
      }
      let limit = YAMLLimits.standard.bytes
      guard let content = try history.content(of: blob, maximumBytes: limit) else {
        files[change.path] = .invalid(YAMLError("the file is longer than \(limit) bytes", line: 1, column: 1))
        continue
      }
      read(content, at: change.path)
    }
  }

  private mutating func read(_ content: [UInt8], at path: String) {
    do throws(YAMLError) {
      guard let file = try PeribolosFile(parsing: content) else {
        files[path] = nil
        return
      }
      files[path] = .read(file)
      warnings.formUnion(file.warnings)
    } catch {
      files[path] = valid[path] != nil || Self.looksOurs(content) ? .invalid(error) : .doubtful(error)
    }
  }

  /// Whether a text that is no YAML was meant to be a configuration: it has the key `orgs` anywhere, quoted or not.
  ///
  /// Too often rather than too seldom: a configuration that is passed over takes everybody's access away.
  private static func looksOurs(_ content: [UInt8]) -> Bool {
    // Without the NULs, so that UTF-16 is seen through, and without what may stand between the key and its colon.
    let between = Set([0, UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\""), UInt8(ascii: "'")])
    return content.filter { !between.contains($0) }.firstRange(of: Array("orgs:".utf8)) != nil
  }

  /// The first file, in the order of paths, that makes the commit invalid.
  func problem() -> InvalidFile? {
    var declared: [String: String] = [:]
    var doubtful: InvalidFile?
    for (path, file) in files.sorted(by: { $0.key < $1.key }) {
      switch file {
      case .invalid(let error): return InvalidFile(path: path, error: error, organisations: formerOrganisations(path))
      case .doubtful(let error): doubtful = doubtful ?? InvalidFile(path: path, error: error, organisations: [])
      case .read(let file):
        for (name, line) in file.organisations {
          if let other = declared.updateValue(path, forKey: name) {
            let error = YAMLError("the organisation `\(name)` is declared in `\(other)` too", line: line, column: 1)
            return InvalidFile(path: path, error: error, organisations: [name])
          }
        }
      }
    }
    return declared.isEmpty ? doubtful : nil
  }

  private func formerOrganisations(_ path: String) -> [String] { valid[path]?.organisations.map(\.name) ?? [] }

  /// Takes the commit as valid; what it changed is answered as the units before and after, those left out that are the same.
  mutating func accept() -> (before: [OrganisationUnit], after: [OrganisationUnit]) {
    let before = changed.sorted().flatMap { valid[$0]?.units ?? [] }
    for path in changed {
      valid[path] = nil
      if case .read(let file)? = files[path] { valid[path] = file }
      if case .doubtful? = files[path] { warnings.insert("`\(path)` is no YAML that can be read here and was passed over") }
    }
    let after = changed.sorted().flatMap { valid[$0]?.units ?? [] }
    changed = []
    let former = Dictionary(before.map { ($0.group, $0) }, uniquingKeysWith: { $1 })
    let same = Set(after.filter { former[$0.group] == $0 }.map(\.group))
    return (before.filter { !same.contains($0.group) }, after.filter { !same.contains($0.group) })
  }

  /// Everything that the last valid commit says.
  var units: [OrganisationUnit] { valid.sorted { $0.key < $1.key }.flatMap(\.value.units) }
}
