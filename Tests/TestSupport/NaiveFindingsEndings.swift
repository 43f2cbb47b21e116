import Governance
import JSON
import Temporal

/// What ended, whether somebody recorded it and whether anybody has seen it, by going through the log.
extension NaiveFindings {
  // MARK: Credentials

  /// What was last said of a credential by the moment, and when it ceased to be good; nil where it is alive.
  private func credential(_ id: Entity) -> (document: CredentialDocument, written: Event, endedAt: Instant?)? {
    var last: (document: CredentialDocument, written: Event, endedAt: Instant?)?
    for event in log.visible(asKnownAt: k) where event.effectiveAt <= now {
      switch event.change {
      case .credentialIssued(let name, let document, _) where Entity.credential(name) == id: last = (document, event, nil)
      case .credentialRevoked(let name) where Entity.credential(name) == id:
        if last?.endedAt == nil { last?.endedAt = event.effectiveAt }
      default: continue
      }
    }
    if let end = last?.document.expiresAt, end <= last?.endedAt ?? now { last?.endedAt = end }
    return last
  }

  /// Every credential that was issued by the moment, as it was said last, and whether it is alive.
  var everyCredential: [Entity: (document: CredentialDocument, isAlive: Bool)] {
    var all: [Entity: (document: CredentialDocument, isAlive: Bool)] = [:]
    for id in credentials { all[id] = credential(id).map { ($0.document, $0.endedAt == nil) } }
    return all
  }

  private var credentials: Set<Entity> {
    Set(
      log.visible(asKnownAt: k).compactMap { event in
        guard case .credentialIssued(let id, _, _) = event.change else { return nil }
        return .credential(id)
      })
  }

  /// Credentials that are good though whom they act as or who obtained them was retired since, or what they were obtained under or
  /// with has ended.
  public var outlivingCredentials: [NaiveFinding] {
    credentials.compactMap { id in
      guard let (document, written, endedAt) = credential(id), endedAt == nil else { return nil }
      var evidence: JSONObject = ["kind": .string(document.kind.rawValue), "identity": .string(document.identity)]
      func note(_ what: String, _ id: String, _ end: Instant?) {
        if let end, end <= now { evidence[what + "_ended"] = ["id": .string(id), "at": .string(end.description)] }
      }
      note("identity", document.identity, retirement(of: document.identity, after: written))
      if let holder = document.holder { note("holder", holder, retirement(of: holder, after: written)) }
      if let grant = document.grant { note("grant", grant, end(of: .assignment(grant))) }
      if let parent = document.parent { note("parent", parent, credential(.credential(parent))?.endedAt) }
      return evidence.count > 2 ? finding("credential_outlives_grant", id, evidence) : nil
    }
  }

  /// When an identity was retired that was there when an event was written into the fold; nil where it has not been since.
  private func retirement(of identity: String, after written: Event) -> Instant? {
    var isThere = false
    var isAfter = false
    for event in log.visible(asKnownAt: k) {
      if event.position == written.position {
        isAfter = true
        if !isThere { return nil }
      }
      switch event.change {
      case .identityRegistered(let id, _, _) where Entity.identity(id) == .identity(identity): isThere = true
      case .identityRetired(let id) where Entity.identity(id) == .identity(identity):
        if isAfter { return event.effectiveAt }
        isThere = false
      default: continue
      }
    }
    return nil
  }

  // MARK: Grants

  /// The first instant at which a grant that held before holds no longer, and did not come back by the moment; nil where there is none.
  func end(of item: GrantName) -> Instant? {
    var end: Instant?
    var held = false
    for (from, state) in pieces where from <= now {
      let holds = state.beginning(of: item.fact) != nil
      if held, !holds { end = from }
      if holds { end = nil }
      held = holds
    }
    return end
  }

  /// Ends of their own that grants had come to, and that no event which stands says.
  ///
  /// - Parameter days: after how many days, by the scope of the grant; nil for a membership, which lies nowhere.
  public func unrecordedEnds(after days: (String?) -> Int64) -> [NaiveFinding] {
    let visible = log.visible(asKnownAt: k)
    let said = Set(
      visible.compactMap { event -> Said? in
        switch event.change {
        case .assignmentExpired(let id): Said(item: .assignment(id), end: event.effectiveAt)
        case .membershipExpired(let group, let member):
          Said(item: .membership(group: group, member: member), end: event.effectiveAt)
        default: nil
        }
      })
    var found: [NaiveFinding] = []
    func note(_ item: GrantName, _ end: Instant, _ scope: String?, _ subject: Entity, _ evidence: JSONObject) {
      let isDue = end <= now.adding(microseconds: -days(scope) * 86_400_000_000)
      if isDue, !said.contains(Said(item: item, end: end)) { found.append(finding("expired_unrecorded", subject, evidence)) }
    }
    for end in Set(visible.compactMap(\.change.ownEnd)) where end <= now {
      // What holds until just before its own end has come to it.
      let before = log.folded(at: end.adding(microseconds: -1), asKnownAt: k)
      for (id, held) in before.assignments where held.grant.expiresAt == end {
        note(.assignment(id.id), end, held.grant.scope, id, ["expires_at": .string(end.description)])
      }
      for (membership, held) in before.memberships where held.expiresAt == end {
        note(
          .membership(group: membership.group.id, member: membership.member), end, nil, membership.group,
          ["member": .string(membership.member.description), "expires_at": .string(end.description)])
      }
    }
    return found
  }

  private struct Said: Hashable {
    let item: GrantName
    let end: Instant
  }
}
