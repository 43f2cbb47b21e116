public import Temporal

/// Where a credential stands at a moment.
public enum CredentialState: String, Hashable, Sendable, CaseIterable {
  /// Issued, not revoked, and not at its own end: it is good, whatever has become of what it was obtained under.
  case alive
  /// It came to its own end before it was revoked.
  case expired
  /// It was revoked.
  case revoked
}

/// What a credential has outlived: something that it was obtained with or under ended, and it did not.
public struct Outlived: Hashable, Sendable {
  /// Which of its ends.
  public enum What: String, Hashable, Sendable, CaseIterable {
    /// The identity that it acts as was retired.
    case identity
    /// The identity who obtained it was retired.
    case holder
    /// The assignment or trust that it was obtained under holds no longer.
    case grant
    /// The credential that it was obtained with was revoked, or came to its end.
    case parent
  }

  /// Which of its ends.
  public var what: What
  /// The id of that end.
  public var id: String
  /// When that ended.
  public var endedAt: Instant

  /// Something that ended while a credential goes on.
  public init(_ what: What, id: String, endedAt: Instant) {
    self.what = what
    self.id = id
    self.endedAt = endedAt
  }
}

/// A credential as it stands at a moment.
public struct CredentialStanding: Hashable, Sendable {
  /// Its id.
  public var id: String
  /// What it is, as it was issued last.
  public var document: CredentialDocument
  /// Where it stands.
  public var state: CredentialState
  /// When it was issued, without having been revoked since.
  public var issuedAt: Instant
  /// The place in the fold of the event that wrote the document.
  public var written: Moment
  /// When it ceased to be good: its own end or its revocation, whichever came first; nil while it is alive.
  public var endedAt: Instant?
  /// The event that revoked it.
  public var revokedBy: Int64?
}

extension World {
  /// A credential at t; nil where none was issued up to then.
  ///
  /// O(entries of the credential).
  public func credential(_ id: String, at t: Instant) -> CredentialStanding? {
    let entries = entries(of: .existence(.credential(id))).filter { $0.moment.effective <= t }
    guard let stretch = Existence.stretches(of: entries).last else { return nil }
    var written: (moment: Moment, document: CredentialDocument)?
    for entry in entries {
      if case .begins(.credential(let document), _) = entry.effect { written = (entry.moment, document) }
    }
    guard let (moment, document) = written else { return nil }
    var standing = CredentialStanding(
      id: id, document: document, state: .alive, issuedAt: stretch.since.effective, written: moment)
    if let until = stretch.until {
      (standing.state, standing.endedAt, standing.revokedBy) = (.revoked, until.effective, until.position)
    }
    if let end = document.expiresAt, end <= standing.endedAt ?? t { (standing.state, standing.endedAt) = (.expired, end) }
    return standing
  }

  /// What a credential has outlived by t: nothing where it is not alive then.
  ///
  /// An identity that was retired and came back is another beginning, and the credential older than it. O(entries of its ends).
  public func outlived(by standing: CredentialStanding, at t: Instant) -> [Outlived] {
    guard standing.state == .alive else { return [] }
    let document = standing.document
    var outlived: [Outlived] = []
    func note(_ what: Outlived.What, _ id: String, _ end: Instant?) {
      if let end, end <= t { outlived.append(Outlived(what, id: id, endedAt: end)) }
    }
    func retirement(of identity: String) -> Instant? {
      existence(of: .identity(identity), at: standing.written)?.until?.effective
    }
    note(.identity, document.identity, retirement(of: document.identity))
    if let holder = document.holder { note(.holder, holder, retirement(of: holder)) }
    if let grant = document.grant { note(.grant, grant, ending(of: .assignment(grant), at: t)?.endedAt) }
    if let parent = document.parent { note(.parent, parent, credential(parent, at: t)?.endedAt) }
    return outlived
  }

  /// Credentials obtained under a grant, and those obtained with these, that are looked at: far more than one grant has.
  private static var credentialsUnderGrant: Int { 10_000 }

  /// The credentials that are alive at t and were obtained under an assignment, or with one that was; by id.
  ///
  /// A key that was revoked still counts as what a session was obtained with. O(credentials obtained so).
  public func aliveCredentials(under grant: String, at t: Instant) -> [CredentialStanding] {
    var open: [CredentialEnd] = [.grant(grant)]
    var seen: Set<Entity> = []
    var alive: [CredentialStanding] = []
    while let end = open.popLast(), seen.count < Self.credentialsUnderGrant {
      for id in credentials(of: end) {
        guard let standing = credential(id, at: t), end.isNamed(by: standing.document), seen.insert(.credential(id)).inserted
        else { continue }
        if standing.state == .alive { alive.append(standing) }
        open.append(.parent(id))
      }
    }
    return alive.sorted { $0.id.precedes($1.id) }
  }

  /// The credentials with this end that are alive at t, by id.
  public func aliveCredentials(of end: CredentialEnd, at t: Instant) -> [CredentialStanding] {
    credentials(of: end).compactMap { id in
      guard let standing = credential(id, at: t), standing.state == .alive, end.isNamed(by: standing.document) else {
        return nil
      }
      return standing
    }
  }
}
