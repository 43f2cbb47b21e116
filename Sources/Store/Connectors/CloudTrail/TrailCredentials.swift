import Governance
import JSON
import Temporal

/// Credentials and the state of trails, as the planner writes them.
extension TrailPlanner {
  mutating func issue(_ credential: TrailCredential) {
    let entity = Entity.credential(credential.id)
    // What is only seen in use says nothing new of what is known.
    if credential.isAssumed, world.exists(entity, at: at) { return }
    meet(.identity(credential.identity), nil)
    if let holder = credential.holder { meet(.identity(holder), nil) }
    var attributes = credential.attributes
    attributes["account"] = .open(.string(account))
    attributes["assumed"] = .open(credential.isAssumed ? true : .null)
    let document = CredentialDocument(
      kind: CredentialKind(rawValue: credential.kind.rawValue) ?? .key, identity: credential.identity,
      holder: credential.holder ?? former(entity)?.holder, grant: trust(credential), parent: parent(credential),
      expiresAt: credential.expiresAt)
    let later = world.entries(of: .existence(entity)).filter { $0.moment.effective > at }
    emit(.credentialIssued(id: credential.id, document, attributes: attributes))
    if credential.isAssumed { return }
    for entry in later {
      guard case .begins = entry.effect, isAssumed(entity, entry) else { break }
      void(entry.moment.position, "\(credential.id) is seen to begin")
    }
  }

  private func isAssumed(_ entity: Entity, _ entry: Entry) -> Bool {
    world.entries(of: .attribute(entity, name: "assumed")).contains { other in
      guard case .begins(.attribute(.open(.bool(true))), _) = other.effect else { return false }
      return other.moment == entry.moment
    }
  }

  /// What a credential was before it was switched off.
  private func former(_ entity: Entity) -> CredentialDocument? {
    let begun = world.entries(of: .existence(entity)).last { entry in
      guard case .begins = entry.effect else { return false }
      return entry.moment.effective <= at
    }
    guard case .begins(.credential(let document), _)? = begun?.effect else { return nil }
    return document
  }

  private func parent(_ credential: TrailCredential) -> String? {
    credential.parent.flatMap { $0.isExactly(credential.id) ? nil : $0 }
  }

  /// The trust under which a role was assumed: the caller's own, or else its account's, service's or everybody's.
  private func trust(_ credential: TrailCredential) -> String? {
    guard credential.kind == .session, let holder = credential.holder, !holder.isExactly(credential.identity) else {
      return nil
    }
    let held = ["trust", "instance-profile"].flatMap {
      world.assignments(role: TrailWords.id(credential.identity, $0), notEndedBy: at)
    }
    .filter { $0.spans.contains { $0.contains(at) } }
    var principals = [holder]
    if let arn = AmazonName(holder) { principals.append(TrailWords.identity(account: arn.account)) }
    principals += [TrailWords.authenticated, TrailWords.everyone]
    for principal in principals {
      if let found = held.first(where: { $0.grant.principal == .identity(principal) }) { return found.id }
    }
    return nil
  }

  // MARK: Trails

  /// A trail that does not record has a gap of its own: until it records again, or for good.
  mutating func log(_ trail: String, _ reason: TrailSwitch, _ isOn: Bool) {
    let id = TrailWords.fitted(TrailWords.sourcePrefix + trail)
    let state = Fact.attribute(.source(id), name: reason.rawValue)
    func entries(_ wanted: Bool) -> [Instant] {
      world.entries(of: state).filter { $0.effect == .begins(.attribute(.open(.bool(wanted))), expiresAt: nil) }
        .map(\.moment.effective)
    }
    let (ons, offs) = (entries(true), entries(false))
    let attributes: [String: AttributeValue] = [reason.rawValue: .open(.bool(isOn)), "account": .open(.string(account))]
    emit(.sourceRegistered(id: id, attributes: attributes))
    let resource = TrailWords.scope(account)
    if !isOn {
      let until = ons.filter { $0 > at }.min() ?? .latest
      emit(.coverageGap(source: id, resource: resource, until: until))
      return
    }
    let since = ons.filter { $0 < at }.max() ?? .earliest
    for start in Set(offs.filter { $0 >= since && $0 < at }).sorted() {
      emit(.coverageGap(source: id, resource: resource, until: at), at: start)
    }
  }
}
