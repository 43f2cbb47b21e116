import Foundation
import HTTP
import Synchronization
import Testing

/// Serialised: the machine has few cores.
@Suite(.serialized) struct ListenerTests {
  static func text(_ text: String, status: Int = 200) -> Response {
    Response(status: status, headers: ["Content-Type": "text/plain"], body: .bytes(Array(text.utf8)))
  }

  static let problem: ProblemResponse = { status, request, _ in
    text("problem \(status) \(request.rawPath)", status: status)
  }

  func listener(
    _ address: ListenerAddress = .loopback(0), limits: ListenerLimits = ListenerLimits(),
    handler: @escaping @Sendable (Request) -> Reply
  ) throws -> Listener {
    try Listener(address: address, limits: limits, threads: 2, problem: Self.problem, handler: handler)
  }

  /// Answers with what was received.
  static let echo: @Sendable (Request) -> Reply = { request in
    let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    return .now(
      text("\(request.method) \(request.path) [\(query)] \(request.headers["x-test"] ?? "-") \(request.body.count)"))
  }

  func url(_ listener: Listener, _ path: String = "/") -> String { "http://127.0.0.1:\(listener.port)\(path)" }

  @Test func `GET, POST and HEAD carry path, query, headers and body`() throws {
    let listener = try listener(handler: Self.echo)
    let get = try Curl.run("-H", "X-Test: yes", url(listener, "/a%2Fb/c?at=2026-01-01T00%3A00&n&p=x+y%2B"))
    #expect(get.text == "get /a/b/c [at=2026-01-01T00:00;n=;p=x y+] yes 0")
    #expect(try Curl.run("-d", "hello", url(listener)).text == "post / [] - 5")
    #expect(try Curl.run("-X", "PATCH", "-d", "hello", url(listener)).text == "patch / [] - 5")
    #expect(try Curl.run("-H", "Transfer-Encoding: chunked", "-d", "hello", url(listener)).text == "post / [] - 5")
    let head = try Curl.run("--head", url(listener)).text
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(head.contains("Content-Length: 13\r\n"))
    #expect(head.hasSuffix("\r\n\r\n"))
  }

  @Test func `a connection is kept alive`() throws {
    let listener = try listener(handler: Self.echo)
    let result = try Curl.run("-w", " %{num_connects}\n", url(listener), url(listener), url(listener)).text
    #expect(result == "get / [] - 0 1\nget / [] - 0 0\nget / [] - 0 0\n")
  }

  @Test func `a body at the limit is taken`() throws {
    var limits = ListenerLimits()
    limits.bodyBytes = 1000
    let listener = try listener(limits: limits, handler: Self.echo)
    let body = String(repeating: "x", count: 1000)
    #expect(try Curl.run("-d", body, url(listener)).text == "post / [] - 1000")
    #expect(try Curl.run("-d", body + "x", url(listener)).text == "problem 413 /")
    let chunked = try Curl.run("-i", "-H", "Transfer-Encoding: chunked", "-d", body + "x", url(listener)).text
    #expect(chunked.contains("Connection: close\r\n"))
    #expect(chunked.hasSuffix("problem 413 /"))
  }

  @Test func `a body announced too large is refused before it is sent`() throws {
    let listener = try listener(handler: Self.echo)
    let answer = try RawClient.send(
      "POST /big HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 16777217\r\n\r\n", to: listener.port)
    #expect(answer.hasPrefix("HTTP/1.1 413 "))
    #expect(answer.contains("Connection: close\r\n"))
    #expect(answer.hasSuffix("problem 413 /big"))
    let taken = try RawClient.send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", then: "ok",
      to: listener.port)
    #expect(taken.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
    #expect(taken.hasSuffix("post / [] - 2"))
  }

  @Test func `headers over the limit are 431`() throws {
    let listener = try listener(handler: Self.echo)
    let limit = ListenerLimits().headerBytes
    // Room is left for what curl sends besides.
    let fits = try Curl.run("-H", "X-Long: " + String(repeating: "x", count: limit - 500), url(listener))
    #expect(fits.text == "get / [] - 0")
    let ours = try Curl.run("-H", "X-Long: " + String(repeating: "x", count: limit), url(listener))
    #expect(ours.text == "problem 431 /")
    let theirs = try Curl.run(
      "-o", "/dev/null", "-w", "%{http_code}", "-H", "X-Long: " + String(repeating: "x", count: 3 * limit), url(listener))
    #expect(theirs.text == "431")
  }

  @Test func `a promised reply is answered from another thread`() throws {
    let listener = try listener { request in
      .later { responder in
        DispatchQueue.global().async { responder.respond(Self.text("later \(request.path)")) }
      }
    }
    #expect(try Curl.run(url(listener, "/x"), url(listener, "/y")).text == "later /xlater /y")
  }

  @Test func `a promised reply may be answered at once`() throws {
    let listener = try listener { _ in .later { $0.respond(Self.text("at once")) } }
    #expect(try Curl.run(url(listener), url(listener)).text == "at onceat once")
  }

  @Test func `a responder dropped unanswered answers 500`() throws {
    let listener = try listener { _ in .later { _ in } }
    #expect(try Curl.run(url(listener, "/x")).text == "problem 500 /x")
    let elsewhere = try self.listener { _ in .later { responder in DispatchQueue.global().async { _ = responder } } }
    #expect(try Curl.run(url(elsewhere, "/y")).text == "problem 500 /y")
  }

  @Test func `an answer with a header that would split is 500`() throws {
    let listener = try listener { _ in .now(Response(status: 200, headers: ["X": "a\r\nSet-Cookie: b"])) }
    #expect(try Curl.run("-i", url(listener)).text.hasPrefix("HTTP/1.1 500 "))
  }

  @Test func `200 connections wait at the same time`() throws {
    let waiting = Mutex<[Responder]>([])
    let listener = try listener { _ in
      .later { responder in
        let all = waiting.withLock { waiting in
          waiting.append(responder)
          return waiting.count == 200 ? waiting : []
        }
        for responder in all { responder.respond(Self.text("x")) }
      }
    }
    let result = try Curl.run("--parallel", "--parallel-immediate", "--parallel-max", "200", url(listener, "/[1-200]"))
    #expect(result.text == String(repeating: "x", count: 200))
    waiting.withLock { $0 = [] }
  }

  @Test func `one waiting reply too many is 503 with Retry-After`() throws {
    var limits = ListenerLimits()
    limits.suspendedConnections = 1
    let held = Mutex<Responder?>(nil)
    let isHeld = DispatchSemaphore(value: 0)
    let listener = try listener(limits: limits) { _ in
      .later { responder in
        held.withLock { $0 = responder }
        isHeld.signal()
      }
    }
    let first = try Curl([url(listener)])
    isHeld.wait()
    let second = try Curl.run("-i", url(listener)).text
    #expect(second.hasPrefix("HTTP/1.1 503 "))
    #expect(second.contains("Retry-After: 1\r\n"))
    held.withLock { $0.take() }?.respond(Self.text("served"))
    #expect(first.finish().text == "served")
  }

  @Test func `a stream of 50 MB is made no faster than it is read`() throws {
    let slice = [UInt8](repeating: 0x61, count: 64 * 1024)
    let total = 800
    let made = Mutex(0)
    let listener = try listener { _ in
      .now(
        Response(
          status: 200,
          body: .stream {
            made.withLock { made in
              guard made < total else { return nil }
              made += 1
              return slice
            }
          }))
    }
    // A slow reader, so that whoever makes it all at once is far ahead of him.
    let client = try Curl(["--limit-rate", "20M", url(listener)])
    var received = 0
    while let bytes = try client.read(), !bytes.isEmpty {
      received += bytes.count
      // What the two sockets' buffers and curl hold.
      #expect(made.withLock { $0 } * slice.count - received < 16 << 20)
    }
    #expect(received == total * slice.count)
    #expect(client.finish().status == 0)
  }

  @Test func `a stream that fails is visibly truncated`() throws {
    struct Lost: Error {}
    let listener = try listener { _ in
      let calls = Mutex(0)
      return .now(
        Response(
          status: 200,
          body: .stream {
            let call = calls.withLock { calls in
              calls += 1
              return calls
            }
            if call > 2 { throw Lost() }
            return call == 1 ? [] : Array("part".utf8)
          }))
    }
    let result = try Curl.run(url(listener))
    #expect(result.text == "part")
    #expect(result.status == 18)
  }

  @Test func `a graceful stop lets a running request finish`() throws {
    let held = Mutex<Responder?>(nil)
    let isHeld = DispatchSemaphore(value: 0)
    let listener = try listener { request in
      if request.path != "/held" { return Self.echo(request) }
      return .later { responder in
        held.withLock { $0 = responder }
        isHeld.signal()
      }
    }
    let client = try Curl(["-i", url(listener, "/held")])
    isHeld.wait()
    let isStopped = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      listener.stop(graceful: 10)
      isStopped.signal()
    }
    while try Curl.run(url(listener)).status != 7 {}  // 7: connection refused
    held.withLock { $0.take() }?.respond(Self.text("finished"))
    let answer = client.finish().text
    #expect(answer.hasSuffix("finished"))
    #expect(answer.contains("Connection: close\r\n"))
    isStopped.wait()
    listener.stop(graceful: 10)
  }

  @Test func `a stop answers what still waits with 503 and ignores a late answer`() throws {
    let held = Mutex<Responder?>(nil)
    let isHeld = DispatchSemaphore(value: 0)
    let listener = try listener { _ in
      .later { responder in
        held.withLock { $0 = responder }
        isHeld.signal()
      }
    }
    let client = try Curl([url(listener, "/w")])
    isHeld.wait()
    listener.stop(graceful: 0)
    #expect(client.finish().text == "problem 503 /w")
    held.withLock { $0.take() }?.respond(Self.text("too late"))
  }

  @Test func `a listener can be stopped under load again and again`() throws {
    for _ in 1...10 {
      let isBusy = DispatchSemaphore(value: 0)
      let answered = Atomic<Int>(0)
      let listener = try listener { _ in
        if answered.add(1, ordering: .relaxed).newValue == 100 { isBusy.signal() }
        return .later { responder in DispatchQueue.global().async { responder.respond(Self.text("x")) } }
      }
      let client = try Curl(["--parallel", "--parallel-max", "50", url(listener, "/[1-1000]")])
      isBusy.wait()
      listener.stop(graceful: 5)
      #expect(client.finish().text.count >= 99)
    }
  }

  @Test func `a request that does not arrive in time is cut`() throws {
    var limits = ListenerLimits()
    limits.requestTimeoutSeconds = 1
    let listener = try listener(limits: limits, handler: Self.echo)
    let start = ContinuousClock.now
    #expect(try RawClient.send("GET / HTTP/1.1\r\nHost:", to: listener.port) == "")
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test func `a Unix socket is private, replaces a stale one and is removed`() throws {
    let path = NSTemporaryDirectory() + "http-\(ProcessInfo.processInfo.processIdentifier).socket"
    func inUse() -> ListenerError.Code? {
      do throws(ListenerError) {
        _ = try Listener(address: .unix(path), handler: Self.echo)
        return nil
      } catch { return error.code }
    }
    let first = try listener(.unix(path), handler: Self.echo)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try Curl.run("--unix-socket", path, "http://local/x").text == "get /x [] - 0")
    #expect(inUse() == .addressInUse)
    first.stop(graceful: 1)
    #expect(!FileManager.default.fileExists(atPath: path))
    try "not a socket".write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(inUse() == .invalidAddress)
  }

  @Test func `a taken port, a bad host and a bad port are typed errors`() throws {
    let listener = try listener(handler: Self.echo)
    let cases: [(ListenerAddress, ListenerError.Code)] = [
      (.loopback(listener.port), .addressInUse), (.tcp("no.such.host.invalid", 0), .invalidAddress),
      (.loopback(70_000), .invalidAddress), (.unix(String(repeating: "x", count: 200)), .invalidAddress),
    ]
    for (address, code) in cases {
      do throws(ListenerError) {
        _ = try Listener(address: address, handler: Self.echo)
        Issue.record("\(address) was bound")
      } catch { #expect(error.code == code) }
    }
  }

  @Test(arguments: ["/%zz", "/%FF", "/%00", "/?a=%FF", "/?%G0=1", "/?a=%00", "/?b=%2"])
  func `a target that is not percent-encoded UTF-8 is 400`(target: String) throws {
    let listener = try listener(handler: Self.echo)
    let path = target.split(separator: "?")[0]
    #expect(try Curl.run(url(listener, target)).text == "problem 400 \(path)")
  }

  @Test func `malformed requests do not crash`() throws {
    let listener = try listener(handler: Self.echo)
    let requests = [
      "\r\n\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\0\0\0\0\r\n\r\n",
      "GET /\0x HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "GET é HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
    ]
    for request in requests {
      let answer = try RawClient.send(request, to: listener.port, seconds: 0.3)
      #expect(answer == "" || answer.hasPrefix("HTTP/1."), "\(request.debugDescription) gave \(answer)")
    }
    #expect(try Curl.run(url(listener)).text == "get / [] - 0")
  }
}
