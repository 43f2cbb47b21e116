/// A rule of this program that raises findings: the one table of how much each matters, and why.
public struct FindingRule: Hashable, Sendable {
  /// The name; never changed after release.
  public let name: String
  /// How much its findings matter.
  public let severity: Severity
  /// Why so much.
  public let because: String
  /// The members of the evidence that tell one of its findings about a subject from another; never changed after release.
  public let distinguishedBy: [String]
  /// After how many days it says something, where no `findings` policy says otherwise; nil for a rule that does not wait.
  public let usualDays: Int64?
  /// What would mend it, where the rule says nothing more precise.
  public let fix: String

  private init(
    _ name: String, _ severity: Severity, because: String, by distinguishedBy: [String] = [], after days: Int64? = nil,
    fix: String
  ) {
    self.name = name
    self.severity = severity
    self.because = because
    self.distinguishedBy = distinguishedBy
    usualDays = days
    self.fix = fix
  }

  /// A quarter: what is done once in three months is seen.
  static let unusedDays: Int64 = 90

  /// How much a finding of another rule matters, where whoever raises it does not say.
  static let usualSeverity = Severity.medium
  /// What is said to mend it then.
  static let usualFix = "look at the evidence, mend what it shows, and resolve the finding with a reason"

  /// Every rule of this program, by what it watches.
  public static let all: [FindingRule] = known + structure + grants + duties + endings + uses

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The rule of that name; nil for one that is not this program's.
  public static func named(_ name: String) -> FindingRule? {
    // By bytes, as everywhere: a name in another Unicode form is another rule's.
    byName[name].flatMap { $0.name.isExactly(name) ? $0 : nil }
  }

  /// Whether it is about who answers for what, and so can be judged anew from the world alone.
  public var isStructural: Bool { Self.structure.contains { $0.name.isExactly(name) } }

  /// What a source says and the rest contradicts.
  private static let known: [FindingRule] = [
    FindingRule(
      "unknown_reference", .low, because: "it gives no access, it only shows that a source is incomplete",
      fix: "register what is named, or mend the source that names it"),
    FindingRule(
      "membership_cycle", .medium, because: "every group of the cycle gets what any of them has",
      fix: "remove one of the memberships of the cycle"),
    FindingRule(
      "role_cycle", .medium, because: "every role of the cycle gives what any of them does",
      fix: "take one of the inclusions of the cycle out"),
  ]

  /// Who answers for what.
  private static let structure: [FindingRule] = [
    FindingRule(
      "orphaned_account", .high, because: "it can sign in, and nobody leaves with whom it would be closed",
      fix: "link the account to its person, or retire it"),
    FindingRule(
      "ownerless", .medium, because: "nobody can say whether it is still needed, and a review finds no reviewer",
      fix: "give it an owner who is active"),
    FindingRule(
      "empty_group", .low, because: "it gives nobody anything, until somebody is put into it unnoticed",
      fix: "delete the group, or fill it"),
  ]

  /// Access that is given otherwise than it should be.
  private static let grants: [FindingRule] = [
    FindingRule(
      "standing_privileged_access", .high,
      because: "privileged access that is there day and night is what an intruder looks for",
      fix: "give the grant an end, or let it be asked for when it is needed"),
    FindingRule(
      "grant_too_long", .medium, because: "it lasts longer than a policy lets any last", by: ["policy", "member"],
      fix: "give it an earlier end"),
    FindingRule(
      "unapproved_change", .high, because: "what takes an approval was changed without one",
      by: ["policy", "command", "change", "effective_at"],
      fix: "review the change and take it back, or resolve with the approval"),
    FindingRule(
      "break_glass", .high, because: "privileged access was taken with nobody's approval",
      fix: "review what was done with it, and resolve with what was seen"),
    FindingRule(
      "break_glass_unreviewed", .critical, because: "nobody has looked at access that was taken without approval", after: 3,
      fix: "review what was done with it, and resolve the finding break_glass of the request"),
    FindingRule(
      "reciprocal_approval", .medium, because: "two who approve each other's requests are one who approves his own",
      by: ["approver", "other_request"], fix: "have somebody else approve one of the requests again"),
  ]

  /// Duties that are to be separate.
  private static let duties: [FindingRule] = [
    FindingRule(
      "separation_of_duties", .high, because: "one person can carry out and conceal alone what takes two", by: ["policy"],
      fix: "take one of the roles away")
  ]

  /// What comes to an end, and whether it does.
  private static let endings: [FindingRule] = [
    FindingRule(
      "assignment_expiring", .low, because: "it ends as it should; whoever needs it longer has to ask", by: ["expires_at"],
      fix: "extend it, where it is still needed"),
    FindingRule(
      "membership_expiring", .low, because: "it ends as it should; whoever needs it longer has to ask",
      by: ["member", "expires_at"], fix: "add the member again until a later end, where it is still needed"),
    FindingRule(
      "expired_unrecorded", .medium, because: "access has ended, but nobody was told to take it away",
      by: ["member", "expires_at"],
      after: 1,
      fix: "see why the job expire-grants does not run"),
    FindingRule(
      "ending_not_observed", .high, because: "access that has ended here is perhaps still there", by: ["member", "ended_at"],
      after: 7,
      fix: "take the access away in the system concerned, and let it be read again or confirm that it is gone"),
  ]

  /// What is used, and what is not.
  private static let uses: [FindingRule] = [
    FindingRule(
      "unused_permission", .medium, because: "what nobody uses serves only whoever takes the identity over",
      by: ["permission"], after: unusedDays, fix: "take the permission out of the role"),
    FindingRule(
      "unused_role", .medium, because: "everybody who holds it could do without it", after: unusedDays,
      fix: "take its assignments back and retire it"),
    FindingRule(
      "unused_assignment", .medium, because: "whoever has it has done without it", after: unusedDays,
      fix: "revoke the assignment"),
    FindingRule(
      "dormant_identity", .medium, because: "nobody would notice if somebody else used it", after: unusedDays,
      fix: "suspend the identity"),
    FindingRule(
      "use_without_path", .high, because: "access is used that nothing known here gives", by: ["action", "resource"],
      after: unusedDays,
      fix: "find out by what it was allowed, and record that or take it away"),
    FindingRule(
      "denied_though_allowed", .low, because: "what is known here gives more than the system does", by: ["action", "resource"],
      after: unusedDays,
      fix: "find out what denies it there, and record that"),
    FindingRule(
      "credential_outlives_grant", .high, because: "it still works, though what it was obtained under has ended",
      fix: "revoke the credential"),
    FindingRule(
      "session_from_several_networks", .high, because: "a session belongs to one place; from several it is perhaps stolen",
      after: unusedDays,
      fix: "ask whose session it is, and revoke its credential"),
  ]
}
