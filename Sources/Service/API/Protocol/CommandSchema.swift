import Governance
import JSON

/// What each command's members are, as OpenAPI describes them; a test sends each member and leaves each one out.
enum CommandSchema {
  /// The members of a verb's command, but for `type`.
  static func members(of verb: Verb) -> [Member] {
    if ["finding.resolved", "finding.accepted"].contains(verb.eventType) {
      // An answer takes effect when it is recorded.
      return own(verb.eventType) + shared.filter { !["due_at", "unapproved", "effective_at"].contains($0.name) }
    }
    if ReviewStep(eventType: verb.eventType) != nil || ReviewItemStep(eventType: verb.eventType) != nil {
      return own(verb.eventType) + shared.filter { !["due_at", "unapproved", "effective_at"].contains($0.name) }
    }
    guard let step = RequestStep(eventType: verb.eventType) else { return own(verb.eventType) + shared }
    // A step of a request takes effect when it is recorded; its lapse is dated when it lapsed.
    return own(verb.eventType)
      + shared.filter { $0.name != "due_at" && $0.name != "unapproved" && ($0.name != "effective_at" || step == .lapsed) }
  }

  /// A batch's list of commands.
  static var list: JSONValue {
    [
      "type": "array", "minItems": 1, "maxItems": .integer(Int64(Limits.commandsPerBatch)),
      "items": [
        "oneOf": .array(
          Verb.all.map { ["$ref": .string("#/components/schemas/\($0.name)")] as JSONObject }.map(JSONValue.object)),
        "discriminator": ["propertyName": "type"],
      ],
    ]
  }

  /// One command as it stands in a batch.
  static func schema(of verb: Verb) -> JSONValue {
    let type = Member("type", ["const": .string(verb.name)], required: true, "The command")
    return Schemas.object([type] + members(of: verb))
  }

  private static let shared: [Member] = [
    Member("effective_at", Schemas.instant, "When it takes effect; absent, when it is recorded"),
    Member("due_at", Schemas.instant, "Of a loss: when it should have taken effect"),
    Member("actor", Schemas.actor, "Who did it at the source, and on whose behalf"),
    Member("authorised_by", Schemas.approval, "Who approved it"), Member("reason", Schemas.reason, "Why, in words"),
    Member("ticket", Schemas.ticket, "The ticket it belongs to"),
    Member("unapproved", ["type": "boolean"], "Said to change directly what an elevation policy governs; it is found"),
  ]

  private static let attributes = Member("attributes", Schemas.attributes, "Values by name; null takes one away")
  private static let expiry = Member("expires_at", Schemas.instant, "The first instant at which it no longer holds")

  private static func id(_ name: String = "id", _ summary: String = "The id") -> Member {
    Member(name, Schemas.id, required: true, summary)
  }

  private static func own(_ eventType: String) -> [Member] {
    switch eventType {
    case "identity.registered":
      [id(), Member("kind", Schemas.choice(IdentityKind.self), required: true, "What the identity is"), attributes]
    case "identity.linked": [id("account", "The account"), id("person", "The person whom it belongs to")]
    case "identity.unlinked": [id("account", "The account")]
    case "group.created", "source.registered": [id(), attributes]
    case "membership.added":
      [id("group", "The group"), Member("member", Schemas.principal, required: true, "Who belongs to it"), expiry]
    case "membership.removed":
      [id("group", "The group"), Member("member", Schemas.principal, required: true, "Who belongs to it no longer")]
    case "membership.expired":
      [id("group", "The group"), Member("member", Schemas.principal, required: true, "Whose membership came to its end")]
    case "role.defined":
      [
        id(), Member("permissions", Schemas.permissions, "All of them; an observation may leave them out as not known"),
        Member("includes", Schemas.ids(Limits.includesPerRole), "Roles that it includes"), attributes,
      ]
    case "assignment.granted":
      [
        Member("id", Schemas.id, "The id, used once; absent, one is made"),
        Member("principal", Schemas.principal, required: true, "Who gets it"), id("role", "The role"),
        Member("scope", Schemas.path, required: true, "Where: a path and all below it, or *"),
        Member("condition", Schemas.condition, "A condition document"), expiry,
      ]
    case "assignment.extended": [id(), expiry]
    case "policy.defined":
      [
        id(), Member("policy_type", Schemas.choice(PolicyType.self), required: true, "What the policy is about"),
        Member("rule", Schemas.rule, required: true, "The rule, in the form that the type asks for"), attributes,
      ]
    case "resource.described": [Member("path", Schemas.path, required: true, "The path"), attributes]
    case "resource.removed": [Member("path", Schemas.path, required: true, "The path")]
    case "coverage.began": [id("source", "The source"), Member("resource", Schemas.path, required: true, "The path"), expiry]
    case "coverage.ended": [id("source", "The source"), Member("resource", Schemas.path, required: true, "The path")]
    case "coverage.gap":
      [
        id("source", "The source"), Member("resource", Schemas.path, required: true, "The path"),
        Member("until", Schemas.instant, required: true, "The first instant at which it vouches again"),
      ]
    case "event.voided": [Member("position", Schemas.position, required: true, "The event's place in the log")]
    case "finding.raised":
      [
        id("rule", "The rule that flagged it"), Member("subject", Schemas.entity, required: true, "What it is about"),
        Member("evidence", Schemas.evidence, required: true, "The evidence"),
        Member("severity", Schemas.choice(Severity.self), "How much it matters; absent, what the rule says"),
        Member("owner", Schemas.id, "Whose it is to mend; absent, the owner of the subject"),
        Member("fix", Schemas.fix, "What would mend it, in words or as a command"),
        Member("id", Schemas.id, "Follows from rule, subject and evidence, and need not be said"),
      ]
    case "finding.accepted":
      [id(), Member("until", Schemas.instant, required: true, "The first instant at which it is open again")]
    case "request.submitted":
      [Member("id", Schemas.id, "The id, used once, also for the assignment; absent, one is made")] + terms
    case "request.revised": [id()] + terms
    case "request.approved", "request.denied", "request.withdrawn", "request.claimed", "request.ended":
      [id(), id("by", "Who does it")]
    case "credential.issued":
      [
        id(), Member("kind", Schemas.choice(CredentialKind.self), required: true, "What it is"),
        id("identity", "The identity that it acts as"),
        Member("holder", Schemas.id, "The identity who obtained it; absent, unknown"),
        Member("grant", Schemas.id, "The assignment or trust that it was obtained under"),
        Member("parent", Schemas.id, "The credential that it was obtained with"), expiry, attributes,
      ]
    case "fulfilment.confirmed":
      [
        Member("id", Schemas.id, "The assignment that ended"),
        Member("group", Schemas.id, "The group, where it was a membership that ended"),
        Member("member", Schemas.principal, "The member, where it was a membership"),
        id("by", "Who confirms it: an identity that had no part in the access"),
        Member("ended_at", Schemas.instant, required: true, "The end that it is about"),
        Member(
          "stage", Schemas.choice(FulfilmentConfirmation.Claim.self), required: true,
          "acknowledged: said to be done; observed_absent: looked at and gone"),
        Member(
          "evidence", Schemas.fulfilmentEvidence, required: true,
          "What it rests on, or where that is written; no personal values, for it stays for ever"),
      ]
    case "review.opened":
      [Member("id", Schemas.id, "The id, used once; absent, one is made"), Member("by", Schemas.id, "Who opens it")]
        + reviewTerms
    case "review.assigned": [id(), reviewItem, id("reviewer", "Who is to decide"), id("by", "Who says so")]
    case "review.decided":
      [
        id(), reviewItem, id("by", "The reviewer"),
        Member("decision", Schemas.choice(ReviewChoice.self), required: true, "What is decided; a revocation needs a reason"),
        Member("digest", Schemas.digest, "The item as the reviewer saw it; refused where the grant has changed since"),
        Member("reviewer", Schemas.id, "To whom it is delegated"),
        Member("reduction", Schemas.reduction, "To which role, scope or end it is reduced"),
        Member("bulk", ["type": "boolean"], "Whether several are decided by one command; it is marked, and needs a reason"),
      ]
    case "review.executed": [id(), reviewItem]
    case "review.reminded":
      [
        id(), Member("days_before", Schemas.count(3_650), required: true, "Days before the deadline"),
        Member("outstanding", Schemas.outstanding, required: true, "Who has how many items to decide"),
      ]
    case "review.signed_off": [id(), id("by", "Who signs it off, having decided nothing in it")]
    case "review.closed": [id(), Member("by", Schemas.id, "Who closes it")]
    default: [id()]
    }
  }

  private static let reviewItem = Member(
    "item", Schemas.reviewItem, required: true, "The grant: assignment:ID or membership:GROUP KIND:ID")

  private static let reviewTerms: [Member] = [
    Member("policy", Schemas.id, "The review policy that says all that follows, or that it belongs to"),
    Member("scope", Schemas.path, "Only what gives access at, below or from above this path"),
    Member("roles", Schemas.ids(Limits.principalsPerPolicy), "Only what gives one of these roles"),
    Member("groups", Schemas.ids(Limits.principalsPerPolicy), "Only these groups and those within them"),
    Member("identities", Schemas.ids(Limits.principalsPerPolicy), "Only what these identities hold themselves"),
    Member("privileged", ["type": "boolean"], "Only what gives a privileged permission"),
    Member("reviewers", Schemas.reviewers, "Rules, the first before the next: owner, manager, identity:ID, group:ID"),
    Member("escalation", Schemas.principals, "Who reviews what nobody may by these rules"),
    Member("days_to_decide", Schemas.count(3_650), "Days to the deadline; 14"),
    Member("remind_days", Schemas.days, "So many days before the deadline reviewers are reminded; 7 and 1"),
    Member("at_deadline", Schemas.choice(DeadlineMeasure.self), "What becomes of what nobody decided; keep"),
    Member("executes", Schemas.choice(ReviewExecutionTime.self), "When decisions are executed; at_close"),
    Member("signs_off", Schemas.principals, "Who may sign it off"),
    Member("sign_off_within_days", Schemas.count(3_650), "Days after the deadline that the job waits for that; 7"),
  ]

  private static let terms: [Member] = [
    Member("requester", Schemas.id, required: true, "Who asks"),
    Member("proposal", Schemas.proposal, required: true, "The command that is asked for"),
    Member("policy", Schemas.id, required: true, "The elevation policy that it is asked for under"),
    Member("duration_seconds", Schemas.count(Int(Int32.max)), "The work window; absent, standing access or a revision"),
    Member("start", Schemas.start, "When the access begins: approval (the default), claim, or an instant"),
    Member("context", Schemas.context, "What is known of the request, keys without request."),
  ]
}
