/// Every report there is, in the order of standards' lists of evidence.
extension AuditReport {
  /// All reports.
  public static let all: [AuditReport] = [
    accessToResource, accessOfIdentity, accessChanges, decision, identities, joiners, leavers, movers, reviews, unreviewed,
    privileged, elevations, expiredButActive, dormant, orphans, separation, roles, roleChanges, policies, deniedAttempts,
    reconciliation, backdated,
  ]
}
