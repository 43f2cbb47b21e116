import Foundation
public import Governance
import JSON
import YAML

/// A folder of YAML or JSON files that declares identities, groups, roles, policies, resources, assignments and coverage.
///
/// ```yaml
/// identities:
///   alice: {kind: person, attributes: {department: finance}}
///   github:alice: {kind: account, person: alice}
/// groups:
///   ledger-team: {members: [identity:alice, {member: identity:bob, expires_at: 2027-01-01T00:00:00Z}]}
/// roles:
///   ledger-reader: {permissions: [{actions: [ledger.read]}]}
/// assignments:
///   - {principal: group:ledger-team, role: ledger-reader, scope: acme/ledger}
/// coverage: [acme/ledger]
/// ```
public struct DeclaredDirectory: Sendable {
  /// The source of what is declared: `apply:NAME`.
  public let source: String
  /// What is declared, the source itself included.
  public let desired: DesiredState
  /// The files that were read, in order.
  public let files: [String]

  /// Files in one directory: an organisation's declarations by team or system, never a tree of something else.
  public static let maximumFiles = 10_000

  /// Reads all `.yaml`, `.yml` and `.json` files of the directory and the folders in it; hidden ones are left out.
  ///
  /// - Parameters:
  ///   - path: the directory.
  ///   - name: the source's name, without `apply:`.
  /// - Throws: ``DeclaredError`` with file and line.
  public init(at path: String, name: String) throws(DeclaredError) {
    source = "apply:\(name)"
    if let problem = Limits.problem(identifier: name) ?? Limits.problem(identifier: source) {
      throw DeclaredError("the source's name \(problem)", path: path)
    }
    if source.utf8.count > PeribolosImport.nameBytes {
      throw DeclaredError("the source's name must be at most \(PeribolosImport.nameBytes) bytes", path: path)
    }
    var desired = DesiredState()
    desired.insert(.sourceRegistered(id: source, attributes: [:]))
    files = try Self.files(in: path)
    for file in files {
      guard let content = FileManager.default.contents(atPath: file) else {
        throw DeclaredError("the file may not be read", path: file)
      }
      try Self.read([UInt8](content), of: file, source: source, into: &desired)
    }
    self.desired = desired
  }

  private static func read(
    _ content: [UInt8], of file: String, source: String, into desired: inout DesiredState
  ) throws(DeclaredError) {
    let root: YAMLNode
    do throws(YAMLError) {
      guard let node = try YAMLNode(parsing: content) else { return }
      root = node
    } catch {
      throw DeclaredError(error.message, path: file, line: error.line)
    }
    if root.isPlainNull { return }
    do throws(JSONFieldError) {
      try DeclaredFile.add(root.json, of: source, to: &desired)
    } catch {
      throw DeclaredError("\(error)", path: file, line: root.line(of: error.pointer))
    }
  }

  private static func files(in path: String) throws(DeclaredError) -> [String] {
    let root = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let kind = try? FileManager.default.attributesOfItem(atPath: root.path)[.type] as? FileAttributeType
    guard kind == .typeDirectory else { throw DeclaredError("there is no such directory", path: path) }
    guard let names = FileManager.default.enumerator(atPath: root.path) else {
      throw DeclaredError("the directory may not be read", path: path)
    }
    var files: [String] = []
    for case let name as String in names {
      let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
      guard !isHidden, [".yaml", ".yml", ".json"].contains(where: { name.hasSuffix($0) }) else { continue }
      files.append("\(path.hasSuffix("/") ? String(path.dropLast()) : path)/\(name)")
      guard files.count <= maximumFiles else { throw DeclaredError("has more than \(maximumFiles) files", path: path) }
    }
    guard !files.isEmpty else { throw DeclaredError("has no .yaml, .yml or .json file", path: path) }
    return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
