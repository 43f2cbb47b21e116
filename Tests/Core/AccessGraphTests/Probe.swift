import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport

/// One of everything that can be asked, with random names and moments.
struct Probe {
  var view: Viewpoint
  var other: Viewpoint
  var stretch: Interval
  var identity: String
  var action: String
  var resource: String
  var filter: String?
  var subjects: [WhoSubject]
  var limit: Int

  /// Every other probe is aimed at a path that is there, since most random questions are answered by nothing.
  init(_ random: inout SeededGenerator, of naive: NaiveLog) {
    let positions = naive.events.count
    func position() -> Int64 {
      random.chance(2, in: 3) ? Int64(positions) : Int64(positions / 3 + random.below(positions - positions / 3 + 1))
    }
    view = Viewpoint(at: RandomHistory.instant(&random), asKnownAt: position())
    // Every other diff compares what was known at two positions about one moment.
    let at = random.chance(1, in: 2) ? view.at : RandomHistory.instant(&random)
    other = Viewpoint(at: at, asKnownAt: position())
    stretch = RandomHistory.stretch(&random)
    identity = random.chance(1, in: 30) ? "nobody" : random.pick(Universe.identities)
    action = random.pick(Universe.actions)
    resource = random.pick(Universe.scopes.filter { $0 != "*" } + ["org/repo/x/y", "elsewhere"])
    filter = random.chance(1, in: 2) ? nil : random.pick(Universe.scopes)
    limit = random.chance(1, in: 2) ? 1000 : 1 + random.below(3)
    var role = random.pick(Universe.roles + ["no-role"])
    let group = random.pick(Universe.groups + ["no-group"])
    let paths = naive.view(view).paths.sorted { $0.key < $1.key }.flatMap { key, paths in
      paths.map { (key.id, $0) }.sorted { $0.1.grant.scope.precedes($1.1.grant.scope) }
    }
    if !paths.isEmpty, random.chance(1, in: 2) {
      let (holder, path) = random.pick(paths)
      identity = holder
      role = path.role.id
      if path.grant.scope != "*" { resource = path.grant.scope + (random.chance(1, in: 3) ? "/x" : "") }
    }
    subjects = [.access(action: action, resource: resource), .role(role), .group(group), .privileged]
  }

  /// The same probe of a log from which events were left out: k falls on the last one that is left of those known then.
  func moved(to events: [Event]) -> Probe {
    func moved(_ k: Int64) -> Int64 {
      Int64(events.prefix { Int64($0.eventID.dropFirst()).map { $0 <= k } ?? false }.count)
    }
    var probe = self
    probe.view = Viewpoint(at: view.at, asKnownAt: moved(view.asKnownAt))
    probe.other = Viewpoint(at: other.at, asKnownAt: moved(other.asKnownAt))
    return probe
  }
}

/// What the graph and the naive fold disagree on, in words; nil if on nothing.
struct Comparison {
  let graph: AccessGraph
  let naive: NaiveLog
  let probe: Probe

  /// What they disagree on of everything that is asked about a moment; each text begins with the question's name.
  func disagreementsAtMoment() -> [String] {
    let view = naive.view(probe.view)
    var texts = probe.subjects.map { subject in
      let (expected, actual) = (view.who(subject), graph.who(subject, from: probe.view))
      return differ("who \(subject)", expected.map(Text.of), actual.map(Text.of), ordered: true)
    }
    let (expected, actual) = (view.what(probe.identity), graph.what(probe.identity, from: probe.view))
    texts.append(differ("what \(probe.identity)", expected.map(Text.of), actual.map(Text.of)))
    texts.append(unsorted("what", actual.map(\.right)))
    texts += probe.subjects.map(eligible) + [eligibleAsOne(), obtainable()]
    texts += [why(), check(), whatHoldsOfCheck(), diff(), snapshot()]
    let sources = graph.coverage(of: probe.resource, from: probe.view)
    texts.append(differ("coverage \(probe.resource)", view.coverage(of: probe.resource), sources, ordered: true))
    return texts.compactMap { $0 }
  }

  /// The same of everything that is asked about a stretch.
  func disagreementsOverStretch() -> [String] {
    let k = probe.view.asKnownAt
    var texts = probe.subjects.map { subject in
      let expected = naive.who(subject, during: probe.stretch, asKnownAt: k)
      let actual = graph.who(subject, during: probe.stretch, asKnownAt: k)
      return differ("whoDuring \(subject)", expected.map(Text.of), actual.map(Text.of), ordered: true)
    }
    let expected = naive.what(probe.identity, during: probe.stretch, asKnownAt: k)
    let actual = graph.what(probe.identity, during: probe.stretch, asKnownAt: k)
    texts.append(differ("whatDuring \(probe.identity)", expected.map(Text.of), actual.map(Text.of)))
    texts.append(unsorted("whatDuring", actual.map(\.right)))
    texts.append(timeline())
    return texts.compactMap { $0 }
  }

  private func eligible(_ subject: WhoSubject) -> String? {
    let holders = graph.who(subject, from: probe.view)
    let (expected, actual) = (
      naive.view(probe.view).eligible(subject), graph.eligible(subject, from: probe.view, beside: holders)
    )
    return differ("eligible \(subject)", expected.map(Text.of), actual.map(Text.of), ordered: true)
  }

  /// What stands beside a decision about one identity is what stands beside the holders.
  private func eligibleAsOne() -> String? {
    let expected = naive.view(probe.view).eligible(.access(action: probe.action, resource: probe.resource))
      .filter { $0.identity.utf8.elementsEqual(probe.identity.utf8) }
    let ways = graph.eligible(probe.identity, action: probe.action, resource: probe.resource, from: probe.view)
    let actual = ways.isEmpty ? [] : [Eligible(identity: probe.identity, ways: ways)]
    let name = "eligibleAsOne \(probe.identity) \(probe.action) \(probe.resource)"
    return differ(name, expected.map(Text.of), actual.map(Text.of))
  }

  private func obtainable() -> String? {
    let (expected, actual) = (
      naive.view(probe.view).obtainable(by: probe.identity), graph.obtainable(by: probe.identity, from: probe.view)
    )
    return differ("obtainable \(probe.identity)", expected.map(Text.of), actual.map(Text.of), ordered: true)
  }

  private func why() -> String? {
    let (expected, overdue) = naive.view(probe.view).why(probe.identity, action: probe.action, resource: probe.resource)
    let actual = graph.why(
      probe.identity, action: probe.action, resource: probe.resource, from: probe.view, limit: probe.limit)
    let name = "why \(probe.identity) \(probe.action) \(probe.resource) limit \(probe.limit)"
    let isTruncated = expected.paths.count > probe.limit
    let verdicts = [
      (expected.status, expected.reason, isTruncated), (actual.status, Self.coarse(actual.reason), actual.isTruncated),
    ].map { "\($0.0) \($0.1 ?? "-") truncated \($0.2)" }
    if let text = differ(name, [verdicts[0]], [verdicts[1]]) { return text }
    let lengths = actual.paths.map(\.steps.count)
    if lengths != Array(expected.paths.map(\.steps.count).sorted().prefix(probe.limit)) {
      return "\(name): the paths have \(lengths) steps, the shortest of \(expected.paths.map(\.steps.count).sorted())"
    }
    let all = expected.paths.map { Text.of($0, isOverdue: overdue.contains($0)) }
    let found = actual.paths.map { Text.of($0, isOverdue: $0.steps.contains { $0.dueAt != nil }) }
    return isTruncated ? differ("\(name), of them", found.filter { all.contains($0) }, found) : differ(name, all, found)
  }

  /// The naive fold does not say what took an access away where several things did.
  private static func coarse(_ reason: String?) -> String? {
    reason == "explicitly_denied" || reason == "outside_boundary" ? "restricted" : reason
  }

  /// A check decides as `why` does, naive and fast, and where the identity is active on what is covered as `who` lists it.
  private func check() -> String? {
    let answer = graph.check(probe.identity, action: probe.action, resource: probe.resource, from: probe.view)
    let name = "check \(probe.identity) \(probe.action) \(probe.resource)"
    let (naive, _) = naive.view(probe.view).why(probe.identity, action: probe.action, resource: probe.resource)
    let why = graph.why(probe.identity, action: probe.action, resource: probe.resource, from: probe.view, limit: 1)
    let verdicts = [
      (naive.status, naive.reason), (why.status, Self.coarse(why.reason)), (answer.status, Self.coarse(answer.reason)),
    ].map {
      "\($0.0) \($0.1 ?? "-")"
    }
    if Set(verdicts).count > 1 { return "\(name): \(verdicts)" }
    let holders = graph.who(.access(action: probe.action, resource: probe.resource), from: probe.view)
    // By bytes: two forms of é are two identities.
    let holder = holders.first { $0.identity.utf8.elementsEqual(probe.identity.utf8) }
    guard
      answer.reason == nil || answer.reason == "no_path" || answer.reason == "role_unknown"
        || Self.coarse(answer.reason) == "restricted"
    else {
      return answer.isWithoutEntitlement ? "\(name): \(answer.reason ?? "") has no entitlement to miss" : nil
    }
    // Who has it as one of everyone is not listed for it: the built-in principal is.
    let linked = graph.world(asKnownAt: probe.view.asKnownAt).facts(about: .identity(probe.identity)).compactMap {
      if case .link(let account) = $0 { account } else { nil }
    }
    let view = self.naive.view(probe.view)
    // Nor who has it by an account that is one of everyone.
    for bearer in [probe.identity] + linked where !view.builtIns(of: .identity(bearer)).isEmpty { return nil }
    let listed = Holder(
      identity: probe.identity, status: answer.status, isWithoutEntitlement: answer.isWithoutEntitlement,
      isExternal: holder?.isExternal ?? false)
    return holder == (answer.status == .denied ? nil : listed) ? nil : "\(name): \(listed) is listed as \(holder as Any)"
  }

  /// What is left of the rights that match is what a check finds: never less than it, and more only where it says so.
  private func whatHoldsOfCheck() -> String? {
    let rights = graph.what(probe.identity, from: probe.view).filter { $0.right.effect == .allow }
    let resources = Universe.scopes.filter { $0 != "*" } + [probe.resource]
    for (action, resource) in resources.flatMap({ resource in Universe.actions.map { ($0, resource) } }) {
      let answer = graph.check(probe.identity, action: action, resource: resource, from: probe.view)
      let matching = rights.filter { held in
        NaivePattern.covers(held.right.scope, resource) && NaivePattern.matches(held.right.action ?? "*", action)
          && NaivePattern.matches(held.right.resource, resource)
      }
      if Self.agrees(answer, with: matching) { continue }
      return "whatAsCheck \(probe.identity) \(action) \(resource): \(answer) where what has \(matching.map(Text.of))"
    }
    return nil
  }

  private static func agrees(_ answer: CheckAnswer, with matching: [HeldRight]) -> Bool {
    let left = matching.filter { $0.remainder.status != .denied }
    // Those of a role that is not known make an access neither allowed nor conditional.
    let known = left.filter { $0.right.action != nil }
    func isCertain(_ held: HeldRight) -> Bool {
      held.remainder.openConditions.isEmpty && held.remainder.restrictedBy.isEmpty
    }
    switch answer.status {
    case .allowed: return !known.isEmpty
    case .conditional: return !known.isEmpty && !known.contains(where: isCertain)
    case .denied: return !left.contains(where: isCertain)
    case .unknown: return answer.reason != "role_unknown" || !left.isEmpty && !known.contains(where: isCertain)
    }
  }

  private func diff() -> String? {
    let identity = probe.limit == 1 ? probe.identity : nil
    let expected = naive.diff(resource: probe.filter, identity: identity, from: probe.view, to: probe.other)
    let actual = graph.diff(resource: probe.filter, identity: identity, from: probe.view, to: probe.other)
    let name = "diff to \(probe.other) on \(probe.filter ?? "all") of \(identity ?? "all")"
    return differ(name + " gained", expected.gained.map(Text.of), actual.gained.map(Text.of))
      ?? differ(name + " lost", expected.lost.map(Text.of), actual.lost.map(Text.of))
      ?? differ(name + " changed", expected.changed.map(Text.of), actual.changed.map(Text.of))
  }

  private func snapshot() -> String? {
    var pages: [Entitlement] = []
    var last: String?
    while true {
      let page = graph.snapshot(resource: probe.filter, from: probe.view, after: last, limit: probe.limit)
      guard let end = page.last else { break }
      if let last, !page.allSatisfy({ last.precedes($0.identity) }) { return "snapshot: a page goes back" }
      if zip(page, page.dropFirst()).contains(where: { $1.identity.precedes($0.identity) }) {
        return "snapshot: identities are out of order"
      }
      last = end.identity
      pages += page
    }
    let expected = naive.view(probe.view).entitlements(resource: probe.filter)
    return differ("snapshot on \(probe.filter ?? "all")", expected.map(Text.of), pages.map(Text.of))
  }

  private func timeline() -> String? {
    let k = probe.view.asKnownAt
    let expected = naive.timeline(probe.identity, resource: probe.filter, during: probe.stretch, asKnownAt: k)
    let actual = graph.timeline(probe.identity, resource: probe.filter, during: probe.stretch, asKnownAt: k)
    let name = "timeline \(probe.identity) on \(probe.filter ?? "all")"
    if let text = differ(name, expected.map(Text.of), actual.map(Text.of)) { return text }
    for turn in actual {
      if let problem = naive.problem(with: turn, asKnownAt: k) { return "\(name): \(Text.of(turn)): \(problem)" }
      guard turn.areCausesComplete, !naive.isCaused(turn, of: probe.identity, asKnownAt: k) else { continue }
      return "\(name): \(Text.of(turn)): not by \(turn.causes.map(\.position)) alone"
    }
    for (a, b) in zip(actual, actual.dropFirst()) where b.at < a.at || b.at == a.at && b.kind < a.kind {
      return "\(name): \(Text.of(b)) comes too late"
    }
    return nil
  }

  private func differ(_ name: String, _ expected: [String], _ actual: [String], ordered: Bool = false) -> String? {
    func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
    let (a, b) = (bytes(expected), bytes(actual))
    if a.count == b.count, ordered ? a == b : Set(a) == Set(b), Set(b).count == b.count || ordered { return nil }
    let missing = expected.filter { !b.contains(Array($0.utf8)) }
    let extra = actual.filter { !a.contains(Array($0.utf8)) }
    return """
      \(name) during \(probe.stretch) from \(probe.view)
        missing: \(missing.joined(separator: "\n           "))
        extra:   \(extra.joined(separator: "\n           "))
      """
  }

  private func unsorted(_ name: String, _ rights: [Right]) -> String? {
    func key(_ right: Right) -> [[UInt8]] {
      [right.action ?? "", right.unknownRole ?? "", right.resource, right.scope].map { Array($0.utf8) }
    }
    for (a, b) in zip(rights, rights.dropFirst()) {
      guard let place = zip(key(a), key(b)).first(where: { $0 != $1 }) else { continue }
      if place.1.lexicographicallyPrecedes(place.0) { return "\(name): \(Text.of(b)) stands too late" }
    }
    return nil
  }
}

/// Answers as lines of text, by which they are compared byte by byte.
enum Text {
  static func of(_ holder: Holder) -> String {
    "\(holder.identity) \(holder.status)\(holder.isWithoutEntitlement ? " without entitlement" : "")\(holder.isExternal ? " external" : "")"
  }

  static func of(_ eligible: Eligible) -> String {
    let ways = eligible.ways.map { way in
      "\(way.policy) alone \(way.alone) \(way.status)\(way.isAskedByAnother ? " asked by another" : "")"
    }
    return "\(eligible.identity) alone \(eligible.alone): \(ways.joined(separator: ", "))"
  }

  static func of(_ one: Obtainable) -> String {
    let duration = "\(one.longestSeconds ?? 0) s\(one.allowsStanding ? " or standing" : "")"
    return "\(one.policy) \(one.requester) \(one.access) alone \(one.alone)\(one.isConditional ? " perhaps" : "") \(duration)"
  }

  static func of(_ right: Right) -> String { String(decoding: right.exactKey, as: UTF8.self) }

  static func of(_ held: HeldRight) -> String {
    "\(of(held.right)) \(of(held.remainder))\(held.isWithoutEntitlement ? " without entitlement" : "")"
  }

  static func of(_ remainder: Remainder) -> String {
    "\(remainder.status) if \(remainder.openConditions.map(\.canonicalText)) but for \(remainder.restrictedBy.map(\.text))"
  }

  static func of(_ entitlement: Entitlement) -> String {
    "\(entitlement.identity) \(of(entitlement.right)) \(of(entitlement.remainder))"
  }

  static func of(_ changed: ChangedEntitlement) -> String { "\(of(changed.now)), before \(of(changed.before))" }

  static func of(_ holder: StretchHolder) -> String {
    "\(holder.identity) allowed \(holder.allowed) conditional \(holder.conditional) unknown \(holder.unknown)"
  }

  static func of(_ row: StretchRight) -> String {
    "\(of(row.right)) \(row.held) conditional \(row.conditional) denied \(row.denied)"
  }

  static func of(_ turn: Turn) -> String {
    "\(turn.at) \(turn.kind) \(of(turn.right)) from \(turn.before?.rawValue ?? "none") to \(turn.now?.rawValue ?? "none")"
  }

  static func of(_ path: Path, isOverdue: Bool) -> String {
    let steps = path.steps.map { step in
      "\(step.kind)@\(step.position)/\(step.effectiveAt)\(step.expiresAt.map { " until \($0)" } ?? "")"
    }
    let conditions = path.conditions.map(\.canonicalText)
    return "\(path.status) \(steps.joined(separator: " → ")) if \(conditions)\(isOverdue ? " overdue" : "")"
  }
}
