/// Every report there is, in the order of standards' lists of evidence.
extension AuditReport {
  /// All reports.
  public static let all: [AuditReport] = [
    accessToResource, accessOfIdentity, accessChanges, decision, identities, joiners, leavers, movers, privileged, elevations,
    expiredButActive, dormant, deniedAttempts, orphans, separation, roles, policies, reconciliation, backdated,
  ]
}
