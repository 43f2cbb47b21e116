import Cryptography
public import JSON
public import Temporal

/// How much a finding matters.
public enum Severity: String, Hashable, Sendable, CaseIterable, Comparable, BitwiseCopyable {
  case low, medium, high, critical

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// Whether it matters less than another.
  public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
}

/// Something that a rule or a job flagged: what it is about, the evidence, how much it matters, whose it is and what would mend it.
///
/// One finding, one id: of the rule, the subject and what in the evidence tells it from others of both. Raised again while it is
/// open and says the same, it is no new event; resolved and raised again, it is the same finding, open once more.
public struct Finding: Hashable, Sendable {
  /// Follows from the rest, see ``id(rule:subject:evidence:)``.
  public var id: String
  /// Stable name of the rule; those of this program stand in ``FindingRule/all``.
  public var rule: String
  /// What it is about.
  public var subject: Entity
  /// The evidence, as the rule states it: instants and ids, never an age, which would make it another one each day.
  public var evidence: JSONValue
  /// How much it matters.
  public var severity: Severity
  /// The identity whose it is to mend, as of when it was raised; nil where nobody is known.
  public var owner: String?
  /// What would mend it: words, or a command as `/v1/commands` takes it.
  public var fix: JSONValue

  /// A finding; what is left out follows from the rule.
  public init(
    rule: String, subject: Entity, evidence: JSONValue, severity: Severity? = nil, owner: String? = nil,
    fix: JSONValue? = nil
  ) {
    self.rule = rule
    self.subject = subject
    self.evidence = evidence
    let known = FindingRule.named(rule)
    self.severity = severity ?? known?.severity ?? FindingRule.usualSeverity
    self.owner = owner
    self.fix = fix ?? .string(known?.fix ?? FindingRule.usualFix)
    id = Self.id(rule: rule, subject: subject, evidence: evidence)
  }

  /// Equal exactly if they say the same, names by their bytes.
  public static func == (a: Finding, b: Finding) -> Bool {
    let areOneOwners =
      switch (a.owner, b.owner) {
      case (let mine?, let theirs?): mine.isExactly(theirs)
      case (nil, nil): true
      default: false
      }
    return areOneOwners && a.id.isExactly(b.id) && a.rule.isExactly(b.rule) && a.subject == b.subject
      && a.severity == b.severity && a.evidence == b.evidence && a.fix == b.fix
  }

  /// The id: the rule's name, and the beginning of the SHA-256 of the rule, the subject and what distinguishes it.
  ///
  /// Never changed after release, nor what distinguishes the findings of a rule: ids of old events are computed again.
  public static func id(rule: String, subject: Entity, evidence: JSONValue) -> String {
    var distinction = evidence
    if let names = FindingRule.named(rule)?.distinguishedBy {
      var members = JSONObject()
      for name in names { if let value = evidence[name] { members[name] = value } }
      distinction = .object(members)
    }
    let whole: JSONValue = ["distinction": distinction, "rule": .string(rule), "subject": .string(subject.description)]
    let digits = SHA256.digest(whole.canonicalBytes()).hexadecimal.prefix(digestDigits)
    // A name that leaves no room for the digits, which only old events can have, stands in them all the same.
    return (rule.utf8.count <= Limits.findingRuleBytes ? rule : "rule") + ":" + digits
  }

  /// 96 bits: among a thousand million findings of one rule two of one id are as likely as 1 in 10^11.
  private static let digestDigits = 24
}

/// Where a finding stands at a moment.
public enum FindingState: String, Hashable, Sendable, CaseIterable, BitwiseCopyable {
  case open
  /// Open, and accepted until an instant that has not come.
  case accepted
  /// What it says is no longer so, or somebody says that it never was.
  case resolved
}

/// A finding as it stands at a moment.
public struct FindingStanding: Hashable, Sendable {
  /// That somebody answers for leaving it as it is.
  public struct Acceptance: Hashable, Sendable {
    /// The position of the event that says so.
    public var position: Int64
    /// The first instant at which that is over.
    public var until: Instant?

    /// An acceptance.
    public init(position: Int64, until: Instant?) {
      self.position = position
      self.until = until
    }
  }

  /// The finding as it was last raised.
  public var finding: Finding
  /// Where it stands.
  public var state: FindingState
  /// The position of the event that raised it last.
  public var raised: Int64
  /// Since when it has been open without a break; of a resolved one, when it was opened last.
  public var since: Instant
  /// Of an accepted one, by which event and until when.
  public var acceptance: Acceptance?
  /// Of a resolved one, when and by which event.
  public var resolved: Moment?

  /// A standing.
  public init(
    _ finding: Finding, _ state: FindingState, raised: Int64, since: Instant, acceptance: Acceptance? = nil,
    resolved: Moment? = nil
  ) {
    self.finding = finding
    self.state = state
    self.raised = raised
    self.since = since
    self.acceptance = acceptance
    self.resolved = resolved
  }
}

extension World {
  /// A finding at t; nil where it was never raised by then.
  ///
  /// That a finding is open is a fact of the bitemporal fold like any other, and so is its acceptance, which has an end of its
  /// own: which were open at t as known at k is one question, and an acceptance is over at its end without any job. Ending the
  /// finding ends its acceptance with it; raised again, nobody has accepted it yet.
  public func finding(_ id: String, at t: Instant) -> FindingStanding? {
    let fact = Fact.existence(.finding(id))
    let spans = holds(fact)
    guard let span = spans.last(where: { $0.from <= t }), case .finding(let finding) = span.value else { return nil }
    let existence = existence(of: .finding(id), at: span.begun)
    var standing = FindingStanding(
      finding, .open, raised: span.entry.position, since: existence?.since.effective ?? span.from)
    if !span.contains(t) {
      standing.state = .resolved
      standing.resolved = existence?.until
    } else if let acceptance = value(of: .acceptance(finding: id), at: t) {
      standing.state = .accepted
      standing.acceptance = FindingStanding.Acceptance(position: acceptance.entry.position, until: acceptance.expiresAt)
    }
    return standing
  }

  /// The finding as it is to be recorded at t, given to the owner of its subject; nil where it is open and says the same.
  ///
  /// Not to one who is retired or suspended: that would be nobody's.
  public func unsaid(_ finding: Finding, at t: Instant) -> Finding? {
    var finding = finding
    if finding.owner == nil, let owner = owner(of: finding.subject, at: t), whyNotActive(owner, at: t) == nil {
      finding.owner = owner
    }
    if case .finding(let open)? = value(of: .existence(.finding(finding.id)), at: t)?.value, open == finding { return nil }
    return finding
  }

  /// The identity to whom an entity belongs at t, and who therefore has to mend what is found about it; nil for nobody.
  ///
  /// A grant belongs to the owner of its role, else of its principal; a request to the owner of its policy.
  public func owner(of entity: Entity, at t: Instant) -> String? {
    switch entity.kind {
    case .identity, .group, .role, .policy, .resource, .source:
      guard case .attribute(.open(let value))? = self.value(of: .attribute(entity, name: "owner"), at: t)?.value else {
        return nil
      }
      return value.stringValue.flatMap { Limits.problem(identifier: $0) == nil ? $0 : nil }
    case .assignment:
      let fact = Fact.assignment(id: entity.id)
      let span = value(of: fact, at: t) ?? Span.spans(of: entries(of: fact)).last
      guard case .grant(let grant)? = span?.value else { return nil }
      return owner(of: .role(grant.role), at: t) ?? owner(of: grant.principal, at: t)
    case .request: return request(entity.id, at: t).flatMap { owner(of: .policy($0.terms.policy), at: t) }
    case .credential:
      guard case .credential(let document)? = value(of: .existence(entity), at: t)?.value else { return nil }
      return owner(of: .identity(document.identity), at: t)
    case .review: return review(entity.id, at: t)?.terms.policy.flatMap { owner(of: .policy($0), at: t) }
    case .event, .finding: return nil
    }
  }
}
