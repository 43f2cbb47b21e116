import AccessGraph
import Dispatch

/// One graph that many threads read and one changes: a readers–writer lock around it.
///
/// The lock is a concurrent queue whose barriers are the exclusive side. Work given with `sync` runs on the caller's thread,
/// so that no thread is created for a question, and a waiting writer holds new readers back, so that it is not starved.
/// Unchecked because the compiler cannot see that: the graph is reachable through these three functions only.
final class SharedGraph: @unchecked Sendable {
  private let lock = DispatchQueue(label: "tenure.graph", attributes: .concurrent)
  private var graph = AccessGraph()

  /// Lends the graph to read; others may read at the same time.
  func read<T, E: Error>(_ body: (AccessGraph) throws(E) -> T) throws(E) -> T {
    let result = lock.sync { Self.result(graph, body) }
    return try result.get()
  }

  /// Lends the graph to change; nobody reads meanwhile.
  func change<T, E: Error>(_ body: (AccessGraph) throws(E) -> T) throws(E) -> T {
    let result = lock.sync(flags: .barrier) { Self.result(graph, body) }
    return try result.get()
  }

  /// Dispatch passes errors on without their type; a result keeps it.
  private static func result<T, E: Error>(
    _ graph: AccessGraph, _ body: (AccessGraph) throws(E) -> T
  ) -> Result<T, E> {
    do throws(E) { return .success(try body(graph)) } catch { return .failure(error) }
  }

  /// Puts another graph in its place.
  func replace(with other: AccessGraph) {
    let old = lock.sync(flags: .barrier) {
      let old = graph
      graph = other
      return old
    }
    // Released here, outside the lock: freeing a large graph takes time.
    _ = consume old
  }
}
