import EventLog
import Foundation
import HTTP
import Server

/// The API of this process's store, and beside it the same listener with a constant answer; wrk sends the requests.
final class BenchServer {
  private let context: BenchContext
  private let server: Server
  private let constant: Listener

  /// What the constant answer is: as long as a short decision.
  private static let constantBody = Array(#"{"status":"allowed"}"#.utf8)

  init(_ context: BenchContext) throws {
    self.context = context
    server = try Server(Server.Configuration(port: 0), store: context.store)
    constant = try Listener(address: .loopback(0)) { _ in
      .now(Response(status: 200, headers: ["Content-Type": "application/json"], body: .bytes(Self.constantBody)))
    }
  }

  func stop() {
    constant.stop(graceful: 1)
    server.stop()
  }

  var port: Int { server.port }

  /// What wrk measured.
  struct Load {
    var requestsPerSecond: Double
    var p99Seconds: Double
  }

  /// Loads the API, or the constant listener, with a script of ours.
  ///
  /// An answer that is no success is an error: a refusal is quick, and would look like speed.
  func load(
    _ script: String, connections: Int, seconds: Int, isConstant: Bool = false, environment: [String: String]
  ) throws -> Load {
    let port = isConstant ? constant.port : server.port
    let said = try ChildProgram.run(
      "/usr/bin/env",
      [
        "wrk", "-t", "1", "-c", "\(connections)", "-d", "\(seconds)s", "-s", "\(context.scripts)/\(script)",
        "http://127.0.0.1:\(port)",
      ], environment: environment)
    guard let match = said.firstMatch(of: /requests=(\d+) microseconds=(\d+) p99=([0-9.]+) failed=(\d+)/),
      let requests = Double(match.output.1), let microseconds = Double(match.output.2), let p99 = Double(match.output.3)
    else { throw ChildFailure(description: "wrk said no figures: \(said)") }
    guard match.output.4 == "0", requests > 0 else {
      throw ChildFailure(description: "\(match.output.4) of \(requests) requests of \(script) failed")
    }
    return Load(requestsPerSecond: requests / (microseconds / 1e6), p99Seconds: p99 / 1e6)
  }
}
