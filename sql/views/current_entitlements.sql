-- All entitlements as they stand now by all that is known: which identity may do which pattern of actions on which pattern of
-- resources within which scope, and through which assigned role. Agrees with tenure.what_could at now().
-- A role whose document is not known is named by `unknown_role`, with no action.
CREATE OR REPLACE VIEW tenure.current_entitlements WITH (security_invoker = true) AS
WITH RECURSIVE graph AS MATERIALIZED (
  SELECT * FROM tenure.current_role_graph
), active AS MATERIALIZED (
  SELECT t.name AS tenant, i.id
  FROM tenure.identities i JOIN tenure.tenant t USING (tenant_id)
  WHERE i.recorded_to IS NULL AND i.valid @> now() AND NOT EXISTS (
    SELECT FROM tenure.identity_suspensions s
    WHERE s.tenant_id = i.tenant_id AND s.identity = i.id AND s.recorded_to IS NULL AND s.valid @> now()
      AND (i.since_effective, i.since_position) <= (s.effective_at, s.position))
), belongs (tenant, identity, kind, id) AS (
  SELECT tenant, id, 'identity', id FROM active
  UNION
  SELECT b.tenant, b.identity, 'group', g.object
  FROM belongs b
  JOIN graph g ON g.edge = 'member' AND g.tenant = b.tenant AND g.subject_kind = b.kind AND g.subject = b.id
), acting AS (
  SELECT tenant, identity, kind, id FROM belongs
  UNION
  SELECT b.tenant, g.object, b.kind, b.id
  FROM belongs b
  JOIN graph g ON g.edge = 'account' AND g.tenant = b.tenant AND g.subject = b.identity
  JOIN active person ON person.tenant = b.tenant AND person.id = g.object
), closure (tenant, root, role_id) AS (
  SELECT DISTINCT tenant, object, object FROM graph WHERE edge = 'assignment'
  UNION
  SELECT c.tenant, c.root, g.object
  FROM closure c JOIN graph g ON g.edge = 'includes' AND g.tenant = c.tenant AND g.subject = c.role_id
)
SELECT DISTINCT a.tenant, a.identity, act.pattern AS action, CASE WHEN NOT r.is_known THEN r.id END AS unknown_role,
  coalesce(res.pattern, '*') AS resource, g.scope, g.object AS role,
  (CASE
    WHEN held.condition = p.condition OR p.condition IS NULL THEN '[' || coalesce(held.condition, '') || ']'
    WHEN held.condition IS NULL THEN '[' || p.condition || ']'
    WHEN held.condition < p.condition THEN '[' || held.condition || ',' || p.condition || ']'
    ELSE '[' || p.condition || ',' || held.condition || ']'
  END)::jsonb AS conditions
FROM acting a
JOIN graph g ON g.edge = 'assignment' AND g.tenant = a.tenant AND g.subject_kind = a.kind AND g.subject = a.id
JOIN tenure.tenant t ON t.name = a.tenant
JOIN tenure.assignments held
  ON held.tenant_id = t.tenant_id AND held.id = g.assignment AND held.position = g.position AND held.recorded_to IS NULL
JOIN closure c ON c.tenant = a.tenant AND c.root = g.object
JOIN tenure.roles r ON r.tenant_id = t.tenant_id AND r.id = c.role_id AND r.recorded_to IS NULL AND r.valid @> now()
LEFT JOIN tenure.role_permissions p
  ON p.tenant_id = t.tenant_id AND p.role_id = r.id AND p.position = r.position AND p.effect = 'allow'
LEFT JOIN LATERAL unnest(p.actions) AS act (pattern) ON true
LEFT JOIN LATERAL unnest(p.resources) AS res (pattern) ON true
WHERE NOT r.is_known OR p.position IS NOT NULL;
