import Foundation
import HTTP
import Synchronization
import Testing

/// Where we are the client.
@Suite struct OutgoingRequestsTests {
  /// A server that keeps what it saw.
  final class Server: Sendable {
    let seen = Mutex<[Request]>([])
    let port = Mutex(0)
    private let listener = Mutex<Listener?>(nil)

    init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
      let started = try Listener(address: .loopback(0), threads: 2) { [self] request in
        seen.withLock { $0.append(request) }
        return answer(request)
      }
      port.withLock { $0 = started.port }
      listener.withLock { $0 = started }
    }

    func stop() { listener.withLock { $0 }?.stop(graceful: 0) }

    func address(_ path: String = "/") throws -> OutgoingAddress {
      try OutgoingAddress("http://127.0.0.1:\(port.withLock { $0 })\(path)")
    }
  }

  private let requests = OutgoingRequests()

  private func send(
    _ body: [UInt8] = Array("{}".utf8), to address: OutgoingAddress, within limit: Duration = .seconds(10)
  ) async -> OutgoingOutcome {
    let request = OutgoingRequest(to: address, headers: ["Content-Type": "application/json", "X-One": "1"], body: body)
    return await withCheckedContinuation { continuation in
      requests.send(request, timeLimit: limit) { continuation.resume(returning: $0) }
    }
  }

  @Test(
    arguments: [
      "https://example.org", "https://example.org:65535/", "https://example.org:8443/a/b?token=x%20y", "HTTPS://Example.org/",
      "http://localhost:1/x",
      "http://127.0.0.1/", "http://[::1]:80/x", "https://[2001:db8::1]/x",
    ])
  func `an address that may be sent to is taken as it is`(text: String) throws {
    #expect(try OutgoingAddress(text).url.absoluteString == text)
  }

  @Test(
    arguments: [
      "", "example.org", "//example.org/x", "https://", "https:///x", "ftp://example.org", "file:///etc/passwd",
      "http://example.org", "http://127.0.0.1.example.org/", "http://localhost.example.org/", "http://localhost@example.org/",
      "http://127.1/", "http://0.0.0.0/", "https://user@example.org/", "https://user:word@example.org/",
      "https://example.org/#f", "https://example.org:0/", "https://example.org:65536/", "https://example.org:99999999999/",
      "https://example.org/a b", "https://example.org\\@localhost/", "http://localhost\\@example.org/", "https://exämple.org/",
      "https://example.org/\u{0}", "https://example.org/\r\nX: y", "https://example.org/" + String(repeating: "x", count: 2030),
      "javascript:alert(1)", "https://example.org/{id}",
    ])
  func `any other address is refused, and not repeated`(text: String) {
    let error = #expect(throws: OutgoingAddressError.self) { try OutgoingAddress(text) }
    if text.utf8.count > 8 { #expect(error?.description.contains(text) == false) }
  }

  @Test func `what is sent arrives as it is, and the status comes back`() async throws {
    let server = try Server { _ in .now(Response(status: 202)) }
    defer { server.stop() }
    // More than libcurl sends unasked.
    let body = (0..<1_200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    #expect(await send(body, to: try server.address("/in?a=b")) == .answered(status: 202, retryAfterSeconds: nil))
    let request = try #require(server.seen.withLock { $0 }.first)
    #expect(request.method == .post)
    #expect(request.rawPath == "/in")
    #expect(request.query("a") == "b")
    #expect(request.body == body)
    #expect(request.headers["Content-Type"] == "application/json")
    #expect(request.headers["X-One"] == "1")
    #expect(request.headers["User-Agent"] == "Tenure")
    #expect(request.headers["Cookie"] == nil)
  }

  @Test(arguments: [301, 302, 303, 307, 308])
  func `a redirect is an answer, and its target sees nothing`(status: Int) async throws {
    let target = try Server { _ in .now(Response(status: 200)) }
    defer { target.stop() }
    let location = try target.address("/elsewhere").url.absoluteString
    let server = try Server { _ in .now(Response(status: status, headers: ["Location": location])) }
    defer { server.stop() }
    #expect(await send(to: try server.address()) == .answered(status: status, retryAfterSeconds: nil))
    // Were it followed, this request would come behind it.
    #expect(await send(to: try target.address("/asked")) == .answered(status: 200, retryAfterSeconds: nil))
    #expect(target.seen.withLock { $0.map(\.rawPath) } == ["/asked"])
    #expect(server.seen.withLock { $0.count } == 1)
  }

  @Test func `no cookie and no credential is kept for the next request`() async throws {
    let server = try Server { _ in
      .now(Response(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"x\"", "Set-Cookie": "a=b"]))
    }
    defer { server.stop() }
    for _ in 0..<2 { #expect(await send(to: try server.address()) == .answered(status: 401, retryAfterSeconds: nil)) }
    #expect(server.seen.withLock { $0.allSatisfy { $0.headers["Cookie"] == nil && $0.headers["Authorization"] == nil } })
  }

  @Test(arguments: [("7", 7), ("0", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", nil), ("soon", nil), ("99999999999999999999", nil)])
  func `the pause that is asked for is read where it is a number`(text: String, seconds: Int?) async throws {
    let server = try Server { _ in .now(Response(status: 503, headers: ["Retry-After": text])) }
    defer { server.stop() }
    #expect(await send(to: try server.address()) == .answered(status: 503, retryAfterSeconds: seconds))
  }

  @Test func `a server that never answers is given up after the limit, and others are not held up`() async throws {
    let held = Mutex<[Responder]>([])
    let silent = try Server { _ in .later { responder in held.withLock { $0.append(responder) } } }
    defer { silent.stop() }
    let quick = try Server { _ in .now(Response(status: 200)) }
    defer { quick.stop() }
    async let hanging = send(to: try silent.address(), within: .milliseconds(400))
    for _ in 0..<20 { #expect(await send(to: try quick.address()) == .answered(status: 200, retryAfterSeconds: nil)) }
    guard case .unanswered(let why) = try await hanging else { throw Unexpected() }
    #expect(why.hasPrefix("no answer within 0.4"))
    held.withLock { held in
      for responder in held { responder.respond(Response(status: 200)) }
      held = []
    }
  }

  @Test func `an answer is heard while every shared thread is blocked`() throws {
    let server = try Server { _ in .now(Response(status: 200)) }
    defer { server.stop() }
    let (go, heard) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let blocked = 64
    for _ in 0..<blocked { DispatchQueue.global().async { go.wait() } }
    defer { for _ in 0..<blocked { go.signal() } }
    let outcome = Mutex<OutgoingOutcome?>(nil)
    let request = OutgoingRequest(to: try server.address(), headers: [:], body: [])
    requests.send(request, timeLimit: .seconds(10)) { answer in
      outcome.withLock { $0 = answer }
      heard.signal()
    }
    heard.wait()
    #expect(outcome.withLock { $0 } == .answered(status: 200, retryAfterSeconds: nil))
  }

  @Test(.timeLimit(.minutes(1))) func `a body without end is not read`() async throws {
    let (ends, end) = AsyncStream<Void>.makeStream()
    let server = try Server { _ in
      let ending = Ending { end.finish() }
      return .now(
        Response(
          status: 200,
          body: .stream {
            withExtendedLifetime(ending) { [UInt8](repeating: 0x78, count: 64 << 10) }
          }))
    }
    defer { server.stop() }
    #expect(await send(to: try server.address(), within: .seconds(3_600)) == .answered(status: 200, retryAfterSeconds: nil))
    // Until the server sees that the connection was cut: by nothing else than the length, for the time limit is far away.
    for await _ in ends {}
  }

  /// Calls when nobody holds it any more.
  private final class Ending: Sendable {
    private let call: @Sendable () -> Void
    init(_ call: @escaping @Sendable () -> Void) { self.call = call }
    deinit { call() }
  }

  @Test func `nobody there is a reason without the address`() async throws {
    guard case .unanswered(let why) = await send(to: try OutgoingAddress("http://127.0.0.1:1/secret-path")) else {
      throw Unexpected()
    }
    #expect(!why.isEmpty)
    #expect(!why.contains("secret-path"))
  }

  @Test func `a certificate that nobody vouches for is refused before anything is sent`() async throws {
    let script = """
      import ssl, socket, subprocess, sys, tempfile, os
      folder = tempfile.mkdtemp()
      key, certificate = os.path.join(folder, "k"), os.path.join(folder, "c")
      subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      context.load_cert_chain(certificate, key)
      server = socket.create_server(("127.0.0.1", 0))
      print(server.getsockname()[1], flush=True)
      connection, _ = server.accept()
      try:
          print("got", len(context.wrap_socket(connection, server_side=True).recv(100)), flush=True)
      except Exception as error:
          print("refused", flush=True)
      """
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardOutput = output
    try process.run()
    let port = try #require(
      Int(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).prefix { $0 != "\n" }))
    guard case .unanswered(let why) = await send(to: try OutgoingAddress("https://localhost:\(port)/")) else {
      throw Unexpected()
    }
    #expect(why.lowercased().contains("certificate"))
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(said.contains("refused") || said.contains("got 0"), "\(said)")
  }

  private struct Unexpected: Error {}
}
