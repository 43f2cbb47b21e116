-- The role graph as it stands now by all that is known: one row for each edge that holds.
-- edge: member (subject belongs to object), assignment (subject has the role object on scope), includes (the role subject
-- includes the role object), account (the account subject belongs to the person object). Suspended identities keep their edges.
CREATE OR REPLACE VIEW tenure.current_role_graph WITH (security_invoker = true) AS
WITH now_existing AS (
  SELECT tenant_id, 'identity' AS kind, id, since_effective, since_position
  FROM tenure.identities WHERE recorded_to IS NULL AND valid @> now()
  UNION ALL
  SELECT tenant_id, 'group', id, since_effective, since_position
  FROM tenure.groups WHERE recorded_to IS NULL AND valid @> now()
  UNION ALL
  SELECT tenant_id, 'role', id, since_effective, since_position
  FROM tenure.roles WHERE recorded_to IS NULL AND valid @> now()
), edges AS (
  SELECT tenant_id, 'member' AS edge, member_kind AS subject_kind, member AS subject, 'group' AS object_kind,
    group_id AS object, NULL::text AS scope, NULL::text AS condition, NULL::text AS assignment,
    effective_at AS begun_effective, position AS begun_position, expires_at, source, position
  FROM tenure.memberships WHERE recorded_to IS NULL AND valid @> now()
  UNION ALL
  SELECT tenant_id, 'assignment', principal_kind, principal, 'role', role_id, scope, condition, id,
    begun_effective, begun_position, expires_at, source, position
  FROM tenure.assignments WHERE recorded_to IS NULL AND valid @> now()
  UNION ALL
  SELECT tenant_id, 'account', 'identity', account, 'identity', person, NULL, NULL, NULL,
    effective_at, position, NULL, source, position
  FROM tenure.account_links WHERE recorded_to IS NULL AND valid @> now()
  UNION ALL
  SELECT r.tenant_id, 'includes', 'role', r.id, 'role', included.id, NULL, NULL, NULL,
    r.effective_at, r.position, NULL, r.source, r.position
  FROM tenure.roles r CROSS JOIN LATERAL unnest(r.includes) AS included (id)
  WHERE r.recorded_to IS NULL AND r.valid @> now()
)
SELECT t.name AS tenant, e.edge, e.subject_kind, e.subject, e.object_kind, e.object, e.scope, e.condition::jsonb AS condition,
  e.assignment, e.begun_effective AS since, e.expires_at, e.source, e.position
FROM edges e
JOIN tenure.tenant t ON t.tenant_id = e.tenant_id
JOIN now_existing s
  ON s.tenant_id = e.tenant_id AND s.kind = e.subject_kind AND s.id = e.subject
  AND (s.since_effective, s.since_position) <= (e.begun_effective, e.begun_position)
JOIN now_existing o
  ON o.tenant_id = e.tenant_id AND o.kind = e.object_kind AND o.id = e.object
  AND (o.since_effective, o.since_position) <= (e.begun_effective, e.begun_position);
