import Foundation
import Postgres

/// One PostgreSQL for all tests of this target, in a temporary folder that is removed when the tests end.
enum TestServer {
  static let shared: Result<(server: EmbeddedServer, folder: String), EmbeddedServerError> = {
    let folder = temporaryFolder()
    do throws(EmbeddedServerError) {
      let server = try EmbeddedServer(dataDirectory: folder)
      atexit {
        guard case .success(let made) = TestServer.shared else { return }
        made.server.close()
        try? FileManager.default.removeItem(atPath: made.folder)
      }
      return .success((server, folder))
    } catch {
      return .failure(error)
    }
  }()

  static func conninfo() throws -> String { try shared.get().server.conninfo() }
  static func connect() throws -> Connection { try Connection(conninfo()) }

  static func temporaryFolder() -> String {
    FileManager.default.temporaryDirectory.appending(path: "tenure-test-\(UUID().uuidString)").path
  }
}

/// Runs the body and returns the error of this module that it throws; `nil` if it throws none.
func postgresError(_ body: () throws -> Void) throws -> PostgresError? {
  do {
    try body()
    return nil
  } catch let error as PostgresError {
    return error
  }
}
