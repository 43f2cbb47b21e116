import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import API

/// An incident replayed: mallory is made administrator by bob, makes a back door, uses it, and shares with the outside.
@Suite struct IncidentTests {
  private static let question = #""from":"2024-04-01T00:00:00Z","to":"2024-04-02T00:00:00Z""#

  /// The organisation after the incident; its clock stands a day later.
  private static func attacked() async throws -> Organisation {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try organisation.clock.set("2024-03-31T00:00:00Z")
    try await client.post("/v1/identities", #"{"id":"mallory","kind":"person"}"#).expect(201)
    try await organisation.use("u0", "2024-03-20T10:00:00Z", "mallory", "repo.read", "acme/site", "198.51.100.7")
    try organisation.clock.set("2024-04-01T10:00:00Z")
    try await organisation.act(
      "bob", "mis", "/v1/assignments", #""id":"mistake","principal":"identity:mallory","role":"admin","scope":"acme""#)
    try organisation.clock.set("2024-04-01T11:00:00Z")
    try await organisation.act(
      "mallory", "u1", "/v1/identities", #""id":"backdoor","kind":"service","attributes":{"owner":"mallory"}"#)
    try await organisation.act(
      "mallory", "u2", "/v1/assignments", #""id":"door","principal":"identity:backdoor","role":"admin","scope":"acme/vault""#)
    try await organisation.act(
      "mallory", "u3", "/v1/credentials", #""id":"K1","kind":"key","identity":"backdoor","holder":"mallory""#)
    try await client.post("/v1/identities", #"{"id":"partner","kind":"external"}"#).expect(201)
    try organisation.clock.set("2024-04-01T11:06:00Z")
    try await organisation.act(
      "backdoor", "u5", "/v1/assignments", #""id":"shared","principal":"identity:partner","role":"viewer","scope":"acme/vault""#
    )
    for (id, at, who, what) in [
      ("u1", "2024-04-01T11:00:00Z", "mallory", "repo.admin"), ("u2", "2024-04-01T11:00:00Z", "mallory", "repo.admin"),
      ("u3", "2024-04-01T11:00:00Z", "mallory", "repo.admin"), ("u4", "2024-04-01T11:05:00Z", "backdoor", "repo.read"),
      ("u4b", "2024-04-01T11:05:20Z", "backdoor", "repo.read"), ("u5", "2024-04-01T11:06:00Z", "backdoor", "repo.admin"),
    ] {
      try await organisation.use(id, at, who, what, "acme/vault", "203.0.113.9", key: who == "backdoor" ? "K1" : nil)
    }
    try organisation.clock.set("2024-04-03T00:00:00Z")
    return organisation
  }

  @Test func `a story is told from one name: who made whom, with what, and whom it touched`() async throws {
    let organisation = try await Self.attacked()
    let replayed = try await organisation.client.post("/v1/incidents/replay", #"{"identities":["mallory"],\#(Self.question)}"#)
    replayed.expect(
      200, #""identity":"mallory","kind":"person","because":"named","depth":0"#,
      #""identity":"backdoor","kind":"service","because":"registered by mallory, event"#, #""whole":true"#,
      #""id":"K1","kind":"key","identity":"backdoor","holder":"mallory""#,
      #""principal":"identity:partner","kind":"external""#)
    let parties = try #require(replayed.json["parties"]?.arrayValue).map { $0["identity"]?.stringValue }
    #expect(parties == ["mallory", "backdoor"])
    let grants = try #require(replayed.json["grants"]?.arrayValue)
    #expect(grants.map { $0["grant"]?.stringValue } == ["mistake", "door"])
    #expect(grants.map { $0["by_party"]?.boolValue } == [false, true])
    #expect(grants.first?["event"]?["actor"]?["id"] == "bob")
    let story = try #require(replayed.json["story"]?.arrayValue)
    // What an event records is not told again as a use; two reads of one burst are one line.
    #expect(story.map { $0["identity"]?.stringValue } == ["mallory", "mallory", "mallory", "backdoor", "backdoor"])
    #expect(story.map { $0["count"]?.integerValue } == [1, 1, 1, 2, 1])
    #expect(story.last?["text"]?.stringValue?.contains("identity:partner") == true)
    #expect(story.first?["address"] == "203.0.113.9")
    let uses = try #require(replayed.json["uses"]?.arrayValue)
    #expect(uses.map { $0["covered_by"]?.stringValue } == ["mistake", "door", "door"])
  }

  @Test func `an address, a key and a session lead to the same parties`() async throws {
    let client = try await Self.attacked().client
    for named in [#""addresses":["203.0.113.9"]"#, #""identities":["mallory"],"credentials":["K1"]"#] {
      let replayed = try await client.post("/v1/incidents/replay", "{\(named),\(Self.question)}")
      let parties = Set(try #require(replayed.json["parties"]?.arrayValue).compactMap { $0["identity"]?.stringValue })
      #expect(parties == ["mallory", "backdoor"], "\(named)")
    }
    // Whom nobody saw in the stretch has no part.
    try await client.post(
      "/v1/incidents/replay", #"{"addresses":["198.51.100.7"],\#(Self.question)}"#
    ).expect(200, #""parties":[]"#)
    try await client.post("/v1/incidents/replay", "{\(Self.question)}").expect(400, "must name somebody")
  }

  @Test func `who has an account acts by it, and containment takes what either was given meanwhile`() async throws {
    let organisation = try await Self.attacked()
    let client = organisation.client
    try organisation.clock.set("2024-04-01T12:00:00Z")
    // mona is bob's account since long ago.
    try await client.post("/v1/groups/team/members", #"{"member":"identity:mona","actor":{"id":"alice"}}"#).expect(201)
    try organisation.clock.set("2024-04-03T00:00:00Z")
    for name in ["bob", "mona"] {
      let replayed = try await client.post("/v1/incidents/replay", #"{"identities":["\#(name)"],\#(Self.question)}"#)
      let parties = Set(try #require(replayed.json["parties"]?.arrayValue).compactMap { $0["identity"]?.stringValue })
      #expect(parties == ["bob", "mona"], "\(name)")
    }
    let plan = try organisation.questions.containment(
      of: IncidentQuestion(
        identities: ["bob"],
        during: Interval(from: try Instant(rfc3339: "2024-04-01T11:30:00Z"), to: try Instant(rfc3339: "2024-04-02T00:00:00Z"))),
      authority: Authority(actor: Actor(id: "responder"), reason: "contain INC-8"))
    let review = try #require(plan.reviews.first)
    #expect(
      plan.steps.map(\.text) == [
        "suspend bob", "suspend mona", "removed identity:mona from group team", "open review \(review)",
      ])
  }

  @Test func `the blast radius goes along trusts and along what was given on, and says what that could do and did`()
    async throws
  {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try organisation.clock.set("2024-03-31T00:00:00Z")
    for id in ["mallory", "deploy", "vault", "eve", "friend", "member"] {
      try await client.post("/v1/identities", #"{"id":"\#(id)","kind":"person"}"#).expect(201)
    }
    try await client.post("/v1/groups", #"{"id":"circle"}"#).expect(201)
    try await client.post("/v1/groups/circle/members", #"{"member":"identity:member"}"#).expect(201)
    try await client.post("/v1/roles", #"{"id":"assume","permissions":[{"actions":["identity:assume"]}]}"#).expect(201)
    for (id, who, whom) in [("t1", "mallory", "deploy"), ("t2", "deploy", "vault"), ("t3", "friend", "eve")] {
      try await client.post(
        "/v1/assignments", #"{"id":"\#(id)","principal":"identity:\#(who)","role":"assume","scope":"identity/\#(whom)"}"#
      ).expect(201)
    }
    try await client.post(
      "/v1/assignments", #"{"id":"v","principal":"identity:vault","role":"admin","scope":"acme/vault"}"#
    ).expect(201)
    try organisation.clock.set("2024-04-01T10:00:00Z")
    let gift = #""role":"viewer","scope":"acme/site","actor":{"id":"mallory"}"#
    try await client.post("/v1/assignments", #"{"id":"g1","principal":"identity:friend",\#(gift)}"#).expect(201)
    try await client.post("/v1/assignments", #"{"id":"g2","principal":"group:circle",\#(gift)}"#).expect(201)
    try organisation.clock.set("2024-04-01T11:00:00Z")
    // What was given is given on.
    try await client.post(
      "/v1/assignments",
      #"{"id":"g3","principal":"identity:leo2","role":"viewer","scope":"acme/site","actor":{"id":"friend"}}"#
    ).expect(409)
    try await client.post(
      "/v1/assignments", #"{"id":"g3","principal":"identity:bob","role":"viewer","scope":"acme/site","actor":{"id":"friend"}}"#
    ).expect(201)
    try await organisation.use("a", "2024-04-01T12:00:00Z", "friend", "repo.read", "acme/site", "203.0.113.9")
    try await organisation.use("b", "2024-04-01T09:00:00Z", "friend", "repo.read", "acme/site", "203.0.113.9")
    try organisation.clock.set("2024-04-03T00:00:00Z")
    let replayed = try await client.post("/v1/incidents/replay", #"{"identities":["mallory"],\#(Self.question)}"#)
    replayed.expect(200, #""whole":true"#)
    let reached = try #require(replayed.json["reached"]?.arrayValue)
    let found = reached.map {
      "\($0["identity"]?.stringValue ?? "") \($0["by"]?.stringValue ?? "") \($0["depth"]?.integerValue ?? 0)"
    }
    #expect(
      found == ["deploy trust 1", "vault trust 2", "friend gift 1", "member gift 1", "eve trust 2", "bob gift 2"])
    func one(_ name: String) throws -> JSONValue { try #require(reached.first { $0["identity"]?.stringValue == name }) }
    // Who becomes vault could all that vault can; who was given something, what came with it, from then on.
    #expect(try one("vault")["rights"]?.arrayValue?.first?["scope"] == "acme/vault")
    #expect(try one("deploy")["rights"]?.arrayValue?.map { $0["scope"] } == ["identity/vault"])
    #expect(try one("friend")["rights"]?.arrayValue?.map { $0["scope"] } == ["acme/site"])
    #expect(try one("friend")["uses"] == 1)
    #expect(try one("friend")["changes"] == 1)
    #expect(try one("member")["because"]?.stringValue?.contains("in group circle") == true)
    // Before the trust was there, nobody could be become.
    let earlier = #""from":"2024-03-01T00:00:00Z","to":"2024-03-30T00:00:00Z""#
    try await client.post("/v1/incidents/replay", #"{"identities":["mallory"],\#(earlier)}"#).expect(200, #""reached":[]"#)
  }

  @Test(arguments: Array(UInt64(1)...8))
  func `the blast radius is the naive one, of random trusts and gifts`(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let organisation = try await Organisation.empty()
    let names = (0..<9).map { "p\($0)" }
    var trusts: [String: Set<String>] = [:]
    var commands = names.map { #"{"type":"identity.register","id":"\#($0)","kind":"person"}"# }
    commands += [
      #"{"type":"role.define","id":"assume","permissions":[{"actions":["identity:assume"]}]}"#,
      #"{"type":"role.define","id":"viewer","permissions":[{"actions":["repo.read"]}]}"#,
      #"{"type":"group.create","id":"circle"}"#,
    ]
    let members = names.filter { _ in random.below(4) == 0 }
    commands += members.map { #"{"type":"membership.add","group":"circle","member":"identity:\#($0)"}"# }
    for number in 0..<5 {
      let (who, whom) = (random.pick(names), random.pick(names))
      if who == whom || trusts[who]?.contains(whom) == true { continue }
      trusts[who, default: []].insert(whom)
      commands.append(
        #"{"type":"assignment.grant","id":"t\#(number)","principal":"identity:\#(who)","role":"assume","scope":"identity/\#(whom)"}"#
      )
    }
    try await organisation.client.post("/v1/commands", #"{"commands":[\#(commands.joined(separator: ","))]}"#).expect(200)
    var gifts: [(hour: Int, by: String, to: [String])] = []
    for hour in 1...14 {
      let by = random.pick(names)
      let to = random.below(5) == 0 ? nil : random.pick(names)
      gifts.append((hour, by, to.map { [$0] } ?? members))
      try organisation.clock.set("2024-04-01T\(hour < 10 ? "0" : "")\(hour):00:00Z")
      try await organisation.client.post(
        "/v1/assignments",
        #"{"id":"g\#(hour)","principal":"\#(to.map { "identity:" + $0 } ?? "group:circle")","role":"viewer","scope":"a/\#(hour)","actor":{"id":"\#(by)"}}"#
      ).expect(201)
    }
    try organisation.clock.set("2024-04-03T00:00:00Z")
    let (from, to) = (try Instant(rfc3339: "2024-04-01T00:00:00Z"), try Instant(rfc3339: "2024-04-02T00:00:00Z"))
    func become(_ name: String) -> Set<String> {
      var (found, open): (Set<String>, [String]) = ([], [name])
      while let next = open.popLast() { for whom in trusts[next] ?? [] where found.insert(whom).inserted { open.append(whom) } }
      return found
    }
    for party in names {
      // From when on each has something that came from the party.
      var given = [party: 0]
      var isChanged = true
      while isChanged {
        isChanged = false
        for gift in gifts where given[gift.by].map({ $0 <= gift.hour }) ?? false {
          for name in gift.to where given[name].map({ gift.hour < $0 }) ?? true { (given[name], isChanged) = (gift.hour, true) }
        }
      }
      let expected = given.keys.reduce(into: Set(given.keys)) { $0.formUnion(become($1)) }.subtracting([party])
      let report = try organisation.questions.incident(
        IncidentQuestion(identities: [party], during: Interval(from: from, to: to)), asKnownAt: .head)
      #expect(Set(report.reached.map(\.identity)) == expected, "seed \(seed), \(party)")
      for reached in report.reached {
        // Whom one could become, one could all day.
        let isBecome = given.contains { name, hour in hour == 0 && become(name).contains(reached.identity) }
        guard !isBecome, let hour = given[reached.identity] else { continue }
        let soonest = given.filter { become($0.key).contains(reached.identity) }.map(\.value).min() ?? hour
        let since = from.adding(microseconds: Int64(min(hour, soonest)) * 3_600_000_000)
        #expect(reached.when.intervals.first?.from == since, "seed \(seed), \(party) to \(reached.identity)")
      }
    }
  }

  @Test func `over HTTP a containment is done as it was planned, once for each key, and opens a review of what is left`()
    async throws
  {
    let organisation = try await Self.attacked()
    let client = organisation.client
    // What bob had before is his to be asked about.
    let body =
      #"{"identities":["bob"],"reason":"INC-9","reviewers":["identity:alice"],"actor":{"id":"responder"},\#(Self.question)}"#
    let planned = try await client.post("/v1/incidents/contain", body)
    planned.expect(200, #""command":"review.opened""#, #""text":"open review incident-"#)
    let review = try #require(planned.json["reviews"]?[0]?.stringValue)
    let before = try organisation.questions.tenant.head.position
    try await client.get("/v1/reviews/\(review)").expect(404)
    let key = [("Idempotency-Key", "contain-1")]
    let done = try await client.post("/v1/incidents/contain/apply", body, headers: key)
    done.expect(200, #""replayed":false"#, #""command_id":"contain-1""#)
    let head = try organisation.questions.tenant.head.position
    #expect(head > before)
    try await client.get("/v1/reviews/\(review)").expect(200, #""matches":true"#, #""state":"open""#)
    let items = try await client.get("/v1/reviews/\(review)/items")
    let names = try #require(items.json["items"]?.arrayValue).compactMap { $0["item"]?.stringValue }
    #expect(names.contains("assignment:bobs") && !names.contains("assignment:mistake"))
    let again = try await client.post("/v1/incidents/contain/apply", body, headers: key)
    again.expect(200, #""replayed":true"#, #""command_id":"contain-1""#)
    #expect(again.json["events"] == done.json["events"])
    #expect(try organisation.questions.tenant.head.position == head)
    // Nothing is left to contain, and no second review is opened.
    try await client.post("/v1/incidents/contain/apply", body).expect(409, #""code":"no_change""#)
    let event = try #require(try organisation.questions.tenant.events(at: [before + 1]).first?.event)
    #expect(event.authority.actor?.id == "responder" && event.authority.reason == "INC-9" && event.recordedBy.id == "api")
    let bad = body.replacing("identity:alice", with: "alice")
    try await client.post("/v1/incidents/contain", bad).expect(400, #""pointer":"/reviewers/0""#)
  }

  @Test func `what is planted for later, or dated back, is ended, and what was given twice once`() async throws {
    let organisation = try await Self.attacked()
    let client = organisation.client
    try organisation.clock.set("2024-04-01T12:00:00Z")
    let by = #""actor":{"id":"mallory"},"reason":"x""#
    let later = #""role":"admin","scope":"acme/vault","effective_at":"2024-06-01T00:00:00Z""#
    try await client.post("/v1/assignments", #"{"id":"bomb","principal":"identity:partner",\#(later),\#(by)}"#).expect(201)
    let before = #""role":"viewer","scope":"acme/site","effective_at":"2024-03-31T12:00:00Z""#
    try await client.post("/v1/assignments", #"{"id":"old","principal":"identity:leo2",\#(before),\#(by)}"#).expect(409)
    try await client.post("/v1/assignments", #"{"id":"old","principal":"identity:bob",\#(before),\#(by)}"#).expect(201)
    for end in ["2024-08-01T00:00:00Z", "2024-09-01T00:00:00Z"] {
      try await client.post(
        "/v1/groups/team/members", #"{"member":"identity:partner","expires_at":"\#(end)",\#(by)}"#
      ).expect(201)
    }
    try organisation.clock.set("2024-04-03T00:00:00Z")
    let body = #"{"identities":["mallory"],"reason":"INC-10","reviewers":["identity:alice"],\#(Self.question)}"#
    let plan = try await client.post("/v1/incidents/contain", body)
    let steps = try #require(plan.json["steps"]?.arrayValue).compactMap { $0["text"]?.stringValue }
    for text in ["revoked assignment bomb", "revoked assignment old", "removed identity:partner from group team"] {
      #expect(steps.count { $0 == text } == 1, "\(text) in \(steps)")
    }
    try await client.post("/v1/incidents/contain/apply", body).expect(200)
    try await client.get(
      "/v1/access/check?identity=partner&action=repo.admin&resource=acme/vault&at=2024-06-02T00:00:00Z"
    ).expect(200, #""status":"denied""#)
  }

  @Test func `whoever was given something is reviewed, however many they are`() async throws {
    let organisation = try await Self.attacked()
    let client = organisation.client
    let count = 2 * Limits.principalsPerPolicy + 3
    let names = (0..<count).map { "p\(1_000 + $0)" }
    func send(_ commands: [String]) async throws {
      try await client.post("/v1/commands", #"{"commands":[\#(commands.joined(separator: ","))]}"#).expect(200)
    }
    try organisation.clock.set("2024-04-01T11:30:00Z")
    try await send(
      names.flatMap { name in
        [
          #"{"type":"identity.register","id":"\#(name)","kind":"person"}"#,
          #"{"type":"assignment.grant","id":"own-\#(name)","principal":"identity:\#(name)","role":"viewer","scope":"acme/own"}"#,
        ]
      })
    try await send(
      names.map { name in
        #"{"type":"membership.add","group":"team","member":"identity:\#(name)","actor":{"id":"mallory"}}"#
      })
    try organisation.clock.set("2024-04-03T00:00:00Z")
    let body = #"{"identities":["mallory"],"reason":"INC-11","reviewers":["identity:alice"],\#(Self.question)}"#
    let done = try await client.post("/v1/incidents/contain/apply", body)
    done.expect(200)
    let reviews = try await client.get("/v1/reviews").json["reviews"]?.arrayValue ?? []
    #expect(reviews.count == 3)
    var items: [String] = []
    for review in reviews.compactMap({ $0["id"]?.stringValue }) {
      let report = try await client.get("/v1/reviews/\(review)/report")
      items += (report.json["items"]?.arrayValue ?? []).compactMap { $0["item"]?.stringValue }
    }
    // Exactly what is left to them: what they were given is gone, and was in no review.
    #expect(items.sorted() == names.map { "assignment:own-\($0)" }.sorted())
  }

  @Test func `without the grant nothing that followed from it would have been`() async throws {
    let organisation = try await Self.attacked()
    let events = try await organisation.client.get("/v1/events?entity=assignment:mistake")
    let position = try #require(events.json["events"]?[0]?["position"]?.integerValue)
    let asked = #"{"identities":["mallory"],"without":[\#(position)],\#(Self.question)}"#
    let replayed = try await organisation.client.post("/v1/incidents/replay", asked)
    let without = try #require(replayed.json["without"])
    // All six uses rested on it: mallory's own, and the back door's, for mallory could not have made it.
    #expect(without["uses"]?.arrayValue?.map { $0["id"]?.stringValue } == ["u1", "u2", "u3", "u4", "u4b", "u5"])
    #expect(without["undecided_uses"] == 0)
    let lost = Set(without["rights"]?.arrayValue?.compactMap { $0["identity"]?.stringValue } ?? [])
    #expect(lost == ["mallory", "backdoor"])
    #expect((without["events"]?.arrayValue?.count ?? 0) == 5)
    // Without the back door's own grant mallory's uses stay.
    let door = try await organisation.client.get("/v1/events?entity=assignment:door").json["events"]?[0]?["position"]?
      .integerValue
    let less = try await organisation.client.post(
      "/v1/incidents/replay", #"{"identities":["mallory"],"without":[\#(try #require(door))],\#(Self.question)}"#)
    #expect(less.json["without"]?["uses"]?.arrayValue?.map { $0["id"]?.stringValue } == ["u4", "u4b", "u5"])
    // Nothing was recorded by asking.
    try await organisation.client.get("/v1/access/check?identity=mallory&action=repo.admin&resource=acme/vault").expect(
      200, #""status":"allowed""#)
  }

  @Test func `containment suspends, revokes and ends, says what breaks, and is one batch`() async throws {
    let organisation = try await Self.attacked()
    let plan = try organisation.questions.containment(
      of: IncidentQuestion(
        identities: ["mallory"],
        during: Interval(from: try Instant(rfc3339: "2024-04-01T00:00:00Z"), to: try Instant(rfc3339: "2024-04-02T00:00:00Z"))),
      authority: Authority(actor: Actor(id: "responder"), reason: "contain INC-7"))
    #expect(
      plan.steps.map(\.text) == [
        "suspend mallory", "suspend backdoor", "revoke key K1", "revoked assignment door", "revoked assignment shared",
        "revoked assignment mistake",
      ])
    // Nothing is left to either of them, nor to whom they gave something.
    #expect(plan.reviews.isEmpty)
    #expect(plan.steps[0].breaks.contains { $0.contains("owns identity:backdoor") })
    #expect(plan.steps[0].breaks.contains { $0.contains("was used 1 times in the 30 days before") })
    let tenant = try organisation.questions.tenant
    let before = tenant.head.position
    try tenant.submitAndWait(plan.submission(recordedBy: "test", source: "incident"))
    #expect(tenant.head.position == before + 6)
    try await organisation.client.get("/v1/access/check?identity=backdoor&action=repo.admin&resource=acme/vault").expect(
      200, #""status":"denied""#)
    // Contained, there is nothing more to do.
    let again = try organisation.questions.containment(
      of: IncidentQuestion(
        identities: ["mallory"],
        during: Interval(from: try Instant(rfc3339: "2024-04-01T00:00:00Z"), to: try Instant(rfc3339: "2024-04-02T00:00:00Z"))),
      authority: Authority(actor: Actor(id: "responder"), reason: "contain INC-7"))
    #expect(again.steps.isEmpty)
    #expect(again.left.map(\.because) == ["is suspended already", "is suspended already"])
  }
}

extension Organisation {
  /// Somebody does something, as a source tells it by the id of the record.
  fileprivate func act(_ actor: String, _ record: String, _ path: String, _ body: String) async throws {
    let authority = #""actor":{"id":"\#(actor)"},"ticket":{"system":"trail","key":"\#(record)"}"#
    try await client.post(path, "{\(body),\(authority)}").expect(201)
  }

  fileprivate func use(
    _ id: String, _ at: String, _ identity: String, _ action: String, _ resource: String, _ address: String, key: String? = nil
  ) async throws {
    let record = UsageRecord(
      id: id, at: try Instant(rfc3339: at), identity: identity, action: action, resource: resource, credential: key,
      address: address)
    let receipt = try UsageStore(try questions.tenant).record([record], source: "trail")
    #expect(receipt.new == 1)
  }
}
