import Governance
import JSON
import Postgres
import Temporal
import TestSupport

import AccessGraph

/// The world at a moment as the relation tables have it, read by the rule that their comments state: as lines of text.
enum WorldInSQL {
  static func lines(_ view: Viewpoint, tenant: Int32, on connection: Connection) throws -> [String] {
    let (t, k) = (Timestamp(microsecondsSinceUnixEpoch: view.at.microseconds), view.asKnownAt)
    // The place of each row's beginning is not after the present existence of the entities at its ends.
    let statement: SQL = """
      WITH asked (t, k) AS (SELECT \(t)::timestamptz, \(k)::int8), living AS (
        SELECT 'identity' AS kind, id, coalesce(kind, '') AS document, position, effective_at, since_effective, since_position
        FROM tenure.identities, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'group', id, '', position, effective_at, since_effective, since_position
        FROM tenure.groups, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'role', id, is_known::text, position, effective_at, since_effective, since_position
        FROM tenure.roles, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'policy', id, policy_type || ' ' || (rule ->> 'scope' IS NOT NULL)::text, position, effective_at,
          since_effective, since_position
        FROM tenure.policies, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'request', id, concat_ws(' ', step, state, requester, extract(epoch FROM request_expires_at)::int8),
          position, effective_at, since_effective, since_position
        FROM tenure.requests, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'credential', id,
          concat_ws(' ', kind, identity, holder, grant_id, parent, extract(epoch FROM credential_expires_at)::int8),
          position, effective_at, since_effective, since_position
        FROM tenure.credentials, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'finding', id, concat_ws(' ', rule, subject, severity), position, effective_at, since_effective,
          since_position
        FROM tenure.findings, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'review', id, concat_ws(' ', step, state, policy, extract(epoch FROM deadline)::int8),
          position, effective_at, since_effective, since_position
        FROM tenure.reviews, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'resource', path, '', position, effective_at, since_effective, since_position
        FROM tenure.resources, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
        UNION ALL SELECT 'source', id, '', position, effective_at, since_effective, since_position
        FROM tenure.sources, asked WHERE tenant_id = \(tenant) AND \(unsafe: holds)
      )
      SELECT concat_ws(' ', 'living', kind, id, document, 'by', position, 'since', since_position) FROM living
      UNION ALL
      SELECT concat_ws(' ', 'attribute', f.entity_kind, f.entity, f.name, replace(f.value::text, '", "', '","'), f.digest, 'by', f.position)
      FROM tenure.attributes f CROSS JOIN asked
      JOIN living a ON a.kind = f.entity_kind AND a.id = f.entity AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'suspended', f.identity, 'by', f.position)
      FROM tenure.identity_suspensions f CROSS JOIN asked
      JOIN living a ON a.kind = 'identity' AND a.id = f.identity AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'accepted', f.finding, 'by', f.position)
      FROM tenure.finding_acceptances f CROSS JOIN asked
      JOIN living a ON a.kind = 'finding' AND a.id = f.finding AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'link', f.account, f.person, 'by', f.position)
      FROM tenure.account_links f CROSS JOIN asked
      JOIN living a ON a.kind = 'identity' AND a.id = f.account AND \(unsafe: since("a"))
      JOIN living b ON b.kind = 'identity' AND b.id = f.person AND \(unsafe: since("b"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'item', f.review, f.item, f.step, f.decision, f.decided_by, f.outcome, 'by', f.position)
      FROM tenure.review_items f CROSS JOIN asked
      JOIN living a ON a.kind = 'review' AND a.id = f.review AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'member', f.group_id, f.member_kind, f.member, 'by', f.position)
      FROM tenure.memberships f CROSS JOIN asked
      JOIN living a ON a.kind = 'group' AND a.id = f.group_id AND \(unsafe: since("a"))
      JOIN living b ON b.kind = f.member_kind AND b.id = f.member AND \(unsafe: since("b"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'assignment', f.id, f.principal_kind, f.principal, f.role_id, f.scope, f.condition IS NULL,
        'by', f.begun_position, extract(epoch FROM f.expires_at)::int8)
      FROM tenure.assignments f CROSS JOIN asked
      JOIN living a ON a.kind = f.principal_kind AND a.id = f.principal AND \(unsafe: since("a", begun: "begun_"))
      JOIN living b ON b.kind = 'role' AND b.id = f.role_id AND \(unsafe: since("b", begun: "begun_"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'covered', f.source_id, f.resource, 'by', f.position)
      FROM tenure.coverage f CROSS JOIN asked
      JOIN living a ON a.kind = 'source' AND a.id = f.source_id AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      UNION ALL
      SELECT concat_ws(' ', 'gap', f.source_id, f.resource, extract(epoch FROM f.gap_from)::int8, 'by', f.position)
      FROM tenure.coverage_gaps f CROSS JOIN asked
      JOIN living a ON a.kind = 'source' AND a.id = f.source_id AND \(unsafe: since("a"))
      WHERE f.tenant_id = \(tenant) AND \(unsafe: holds)
      """
    return try connection.query(statement).map { try $0.string(0) }
  }

  private static let holds =
    "valid @> asked.t AND recorded_from <= asked.k AND (recorded_to IS NULL OR recorded_to > asked.k)"

  private static func since(_ end: String, begun: String = "") -> String {
    let moment = begun.isEmpty ? "(f.effective_at, f.position)" : "(f.\(begun)effective, f.\(begun)position)"
    return "(\(end).since_effective, \(end).since_position) <= \(moment)"
  }
}

extension NaiveState {
  /// The same lines of the naive fold.
  var lines: [String] {
    var lines = living.map { entity, living in
      [
        "living", entity.kind.rawValue, entity.id, Self.text(living.document), "by", "\(living.latest.position)", "since",
        "\(living.born.position)",
      ].joined(separator: " ")
    }
    for (entity, attributes) in attributes where exists(entity) {
      for (name, attribute) in attributes {
        let value =
          switch attribute.value {
          case .open(let json): json.canonicalText
          case .sealed(let digest): digest
          }
        lines.append("attribute \(entity.kind.rawValue) \(entity.id) \(name) \(value) by \(attribute.origin.position)")
      }
    }
    lines += suspended.map { "suspended \($0.id) by \($1.position)" }
    lines += acceptances.map { "accepted \($0.id) by \($1.origin.position)" }
    lines += links.map { "link \($0.id) \($1.person.id) by \($1.origin.position)" }
    lines += memberships.map { key, held in
      "member \(key.group.id) \(key.member.kind.rawValue) \(key.member.id) by \(held.origin.position)"
    }
    lines += assignments.map { id, held in
      let grant = held.grant
      let end = grant.expiresAt.map { " \($0.microseconds / 1_000_000)" } ?? ""
      return "assignment \(id.id) \(grant.principal.kind.rawValue) \(grant.principal.id) \(grant.role) \(grant.scope) "
        + "\(grant.condition == nil ? "t" : "f") by \(held.origin.position)\(end)"
    }
    lines += reviewItems.map { key, held in
      let state = held.state
      let parts = [
        "item", key.review.id, key.item.text, state.step.rawValue, state.decision?.choice.rawValue, state.decision?.by,
        state.execution?.outcome.rawValue, "by", "\(held.origin.position)",
      ]
      return parts.compactMap { $0 }.joined(separator: " ")
    }
    lines += coverage.map { "covered \($0.source.id) \($0.resource.id) by \($1.origin.position)" }
    lines += gaps.map { key, held in
      "gap \(key.source.id) \(key.resource.id) \((key.from?.microseconds ?? 0) / 1_000_000) by \(held.origin.position)"
    }
    return lines
  }

  private static func text(_ document: Document) -> String {
    switch document {
    case .identity(let kind): kind.rawValue
    case .role(let permissions, _): permissions == nil ? "false" : "true"
    case .policy(let policy): "\(policy.type.rawValue) \(policy.rule["scope"] != nil)"
    case .request(let request):
      [
        request.step.rawValue, request.progress?.state.rawValue, request.terms.requester,
        request.progress?.expiresAt.map { "\($0.microseconds / 1_000_000)" },
      ].compactMap { $0 }.joined(separator: " ")
    case .credential(let credential):
      [
        credential.kind.rawValue, credential.identity, credential.holder, credential.grant, credential.parent,
        credential.expiresAt.map { "\($0.microseconds / 1_000_000)" },
      ].compactMap { $0 }.joined(separator: " ")
    case .finding(let finding): "\(finding.rule) \(finding.subject.id) \(finding.severity.rawValue)"
    case .review(let review):
      [
        review.step.rawValue, review.progress?.state.rawValue, review.terms.policy,
        review.progress.map { "\($0.deadline.microseconds / 1_000_000)" },
      ].compactMap { $0 }.joined(separator: " ")
    case .group, .resource, .source: ""
    }
  }
}
