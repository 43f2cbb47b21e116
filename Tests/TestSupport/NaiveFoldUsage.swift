import Governance
import JSON

/// What usage could have seen, by the tests' own rules.
extension NaiveState {
  /// Whether a source that delivers usage would have told of every use of a pattern of actions on these resources within a scope;
  /// of one that gives nothing there, none would.
  public func seesUse(of action: String, on resources: [String], within scope: String) -> Bool {
    let below = resources.compactMap { NaivePattern.path(of: $0, within: scope) }
    return !below.isEmpty && below.allSatisfy { path in Universe.sources.contains { sees(action, below: path, .source($0)) } }
  }

  private func sees(_ action: String, below path: String, _ source: Entity) -> Bool {
    let attributes = attributes[source] ?? [:]
    guard attributes["delivers_usage"]?.value == .open(.bool(true)) else { return false }
    if case .open(let unseen)? = attributes["usage_unseen_actions"]?.value,
      unseen.arrayValue?.compactMap(\.stringValue).contains(where: { NaivePattern.overlap($0, action) }) ?? false
    {
      return false
    }
    return coverage.keys.contains { $0.source == source && NaivePattern.covers($0.resource.id, path) }
      && !gaps.keys.contains { $0.source == source && NaivePattern.concerns($0.resource.id, path) }
  }
}

extension NaivePattern {
  /// The deepest folder below the scope that has all of the pattern's resources; nil where none of them is below it.
  public static func path(of pattern: String, within scope: String) -> String? {
    guard let wild = pattern.firstIndex(where: { $0 == "*" || $0 == "?" }) else {
      return covers(scope, pattern) ? pattern : nil
    }
    let folders = pattern[..<wild].split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folder = folders.joined(separator: "/")
    if folder.isEmpty || covers(folder, scope) { return scope }
    return covers(scope, folder) ? folder : nil
  }
}
