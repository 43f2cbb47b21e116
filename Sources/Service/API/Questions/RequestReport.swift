public import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal

/// Which access requests are asked for.
public struct RequestFilter: Hashable, Sendable {
  /// Those that stand there; nil for any.
  public var state: RequestState?
  /// Those of a requester; nil for any.
  public var requester: String?

  /// A filter; the default lets all through.
  public init(state: RequestState? = nil, requester: String? = nil) {
    self.state = state
    self.requester = requester
  }
}

/// An access request as it is shown.
public struct ShownRequest: Hashable, Sendable {
  /// Its id.
  public var id: String
  /// Its place in the order of submission.
  public var place: Int
  /// Where it stands.
  public var standing: RequestStanding

  /// Writes its members.
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("id", id)
    // By the clock, where progress.state is what its events say.
    writer.member("state", standing.state.rawValue)
    writer.member("event", standing.position)
    for member in standing.request.json.objectValue ?? [:] {
      writer.key(member.name)
      writer.value(member.value)
    }
  }
}

/// One access request at a moment.
public struct RequestReport: Report {
  /// The request.
  public var shown: ShownRequest
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    shown.writeMembers(to: &writer)
    writer.endObject()
  }
}

/// A page of access requests.
public struct RequestListReport: Report {
  /// The requests, in the order of their submission.
  public var requests: [ShownRequest]
  /// The place that the next page begins with; nil where there is none.
  public var next: Int?
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    writer.list("requests", requests) { $1.writeMembers(to: &$0) }
    writer.endObject()
  }
}

extension Questions {
  /// Requests that one question looks at: some ten milliseconds of the graph's time.
  public static let requestsLookedAt = 10_000

  /// An access request at a moment; nil where there was none.
  public func request(_ id: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> RequestReport? {
    try ask(at, asKnownAt) { graph, view in
      guard let standing = graph.world(asKnownAt: view.asKnownAt).request(id, at: view.at) else { return nil }
      return RequestReport(shown: ShownRequest(id: id, place: 0, standing: standing), view: view, position: graph.position)
    }
  }

  /// Access requests up to a moment, in the order of their submission.
  ///
  /// O(requests looked at), at most ``requestsLookedAt``: there may be a next page though this one is empty.
  ///
  /// - Parameters:
  ///   - place: the place in that order to begin with. The default is the first.
  ///   - limit: how many at the most. The default is as many as are looked at.
  ///   - looked: how many are looked at. The default is ``requestsLookedAt``.
  public func requests(
    _ filter: RequestFilter = RequestFilter(), at: Instant? = nil, asKnownAt: AsKnownAt = .head, after place: Int = 0,
    limit: Int = Int.max, looking looked: Int = requestsLookedAt
  ) throws -> RequestListReport {
    try ask(at, asKnownAt) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let ids = world.requests(since: .earliest)
      var report = RequestListReport(requests: [], next: nil, view: view, position: graph.position)
      for index in ids.indices.dropFirst(place) {
        if index - place == looked {
          report.next = index
          break
        }
        guard let standing = world.request(ids[index], at: view.at), filter.admits(standing) else { continue }
        if report.requests.count == limit {
          report.next = index
          break
        }
        report.requests.append(ShownRequest(id: ids[index], place: index, standing: standing))
      }
      return report
    }
  }
}

extension RequestFilter {
  fileprivate func admits(_ standing: RequestStanding) -> Bool {
    (state.map { $0 == standing.state } ?? true) && (requester.map { $0.isExactly(standing.terms.requester) } ?? true)
  }
}
