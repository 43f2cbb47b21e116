import AccessGraph

/// One graph that many threads read and one changes: a readers–writer lock around it.
///
/// Unchecked because the compiler cannot see that: the graph is reachable through these functions only.
final class SharedGraph: @unchecked Sendable {
  private let lock = SharedLock()
  private var graph = AccessGraph()

  /// Whether to read waits for no other reader: a glance.
  var isOpenToReaders: Bool { lock.isOpenToReaders }

  /// Lends the graph to read; others may read at the same time.
  func read<T, E: Error>(_ body: (AccessGraph) throws(E) -> T) throws(E) -> T {
    var result: Result<T, E>?
    lock.shared { result = Self.result(graph, body) }
    return try Self.take(result)
  }

  /// Lends the graph to change; nobody reads meanwhile.
  func change<T, E: Error>(_ body: (AccessGraph) throws(E) -> T) throws(E) -> T {
    var result: Result<T, E>?
    lock.exclusive { result = Self.result(graph, body) }
    return try Self.take(result)
  }

  /// Puts another graph in its place.
  func replace(with other: AccessGraph) {
    var old = other
    lock.exclusive { swap(&graph, &old) }
    // Released here, outside the lock: freeing a large graph takes time.
    _ = consume old
  }

  /// The lock's bodies give nothing back and throw nothing; a result carries both.
  private static func result<T, E: Error>(_ graph: AccessGraph, _ body: (AccessGraph) throws(E) -> T) -> Result<T, E> {
    do throws(E) { return .success(try body(graph)) } catch { return .failure(error) }
  }

  private static func take<T, E: Error>(_ result: Result<T, E>?) throws(E) -> T {
    guard let result else { preconditionFailure("a lock runs its body") }
    return try result.get()
  }
}
