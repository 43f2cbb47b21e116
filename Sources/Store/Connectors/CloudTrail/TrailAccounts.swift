import Governance
import JSON
import Temporal

/// An account as the principal of its own resources: all its users and roles, in one group.
///
/// AWS reads `arn:aws:iam::ACCOUNT:root` of the own account so: what is allowed to it, the account's own policies may give; what
/// is denied to it is denied to everybody in the account.
extension TrailPlanner {
  /// Every account is younger than this, so that membership depends on the member alone, in whatever order records come.
  private static var beforeAll: Instant { Instant(microseconds: 1_136_073_600_000_000) }

  /// The account's people are a group from now on, if they were none.
  mutating func gather(_ account: String) {
    guard memory.gathered.insert(account).inserted else { return }
    let group = TrailWords.identity(account: account)
    emit(.groupCreated(id: group, attributes: ["account": .open(.string(account))]), at: Self.beforeAll)
    for entity in (memory.people[account] ?? []).sorted() {
      let stretches = Existence.stretches(of: world.entries(of: .existence(entity)))
      for since in Set(stretches.map(\.since.effective)).sorted() { join(entity, since) }
    }
  }

  /// Whoever begins to exist in a gathered account is of its people.
  mutating func gather(_ entity: Entity, at t: Instant) {
    memory.meet(entity)
    guard let account = TrailMemory.account(of: entity), memory.gathered.contains(account) else { return }
    join(entity, t)
  }

  private mutating func join(_ entity: Entity, _ t: Instant) {
    guard let account = TrailMemory.account(of: entity) else { return }
    emit(.membershipAdded(group: TrailWords.identity(account: account), member: entity, expiresAt: nil), at: t)
  }
}
