-- What an identity could do at a moment as it was granted, as known at a position (default: all that is known): one row for
-- each pattern of actions, pattern of resources within the scope, scope, set of conditions and effect. Nothing where it did not
-- exist or was suspended. A role whose document is not known is named by `unknown_role`, with no action: it may allow anything
-- within the scope. Conditions stand as written, unjudged; what a role denies is listed too, with the effect deny, and policies
-- are not looked at: tenure.who_had_access decides.
-- Dropped first with the view over it, since a function cannot be replaced by one with other columns; both are made anew below
-- and in views.
DROP VIEW IF EXISTS tenure.current_entitlements;
DROP FUNCTION IF EXISTS tenure.what_could(text, text, timestamptz, int8);
CREATE FUNCTION tenure.what_could(
  tenant text, identity text, at timestamptz, as_known_at int8 DEFAULT NULL
) RETURNS TABLE (action text, unknown_role text, resource text, scope text, conditions jsonb, effect text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  t int := tenure.tenant_named(tenant);
  k int8 := tenure.known_position(t, as_known_at);
  asked text := identity;
BEGIN
  RETURN QUERY
  WITH RECURSIVE own (id) AS (
    -- The identity, and the accounts linked to it.
    SELECT asked
    UNION
    SELECT l.account
    FROM tenure.account_links l
    WHERE l.tenant_id = t AND l.person = asked AND l.valid @> at
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
      AND (
        SELECT count(*) FROM tenure.identities i
        WHERE i.tenant_id = t AND i.id IN (l.account, l.person) AND i.valid @> at
          AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
          AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) = 2
  ), active AS (
    -- Those of them that exist and are not suspended.
    SELECT i.id
    FROM own o
    JOIN tenure.identities i
      ON i.tenant_id = t AND i.id = o.id AND i.valid @> at
      AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
    WHERE NOT EXISTS (
      SELECT FROM tenure.identity_suspensions s
      WHERE s.tenant_id = t AND s.identity = i.id AND s.valid @> at
        AND (i.since_effective, i.since_position) <= (s.effective_at, s.position)
        AND s.recorded_from <= k AND (s.recorded_to IS NULL OR s.recorded_to > k))
  ), principals (kind, id) AS (
    -- Those and upwards all groups that they belong to; an account's access goes with its person's activity.
    SELECT 'identity', a.id FROM active a WHERE EXISTS (SELECT FROM active WHERE id = asked)
    UNION
    SELECT 'group', m.group_id
    FROM principals below
    JOIN tenure.memberships m
      ON m.tenant_id = t AND m.member = below.id AND m.member_kind = below.kind AND m.valid @> at
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    WHERE EXISTS (
        SELECT FROM tenure.groups g
        WHERE g.tenant_id = t AND g.id = m.group_id AND g.valid @> at
          AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
          AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k))
      AND CASE m.member_kind
        WHEN 'identity' THEN EXISTS (
          SELECT FROM tenure.identities i
          WHERE i.tenant_id = t AND i.id = m.member AND i.valid @> at
            AND (i.since_effective, i.since_position) <= (m.effective_at, m.position)
            AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k))
        ELSE EXISTS (
          SELECT FROM tenure.groups g
          WHERE g.tenant_id = t AND g.id = m.member AND g.valid @> at
            AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
            AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k))
        END
  ), held AS MATERIALIZED (
    -- Their assignments, whose principal and role have existed since before the grant.
    SELECT DISTINCT a.role_id, a.scope, a.condition
    FROM principals p
    JOIN tenure.assignments a
      ON a.tenant_id = t AND a.principal = p.id AND a.principal_kind = p.kind AND a.valid @> at
      AND a.recorded_from <= k AND (a.recorded_to IS NULL OR a.recorded_to > k)
    WHERE EXISTS (
        SELECT FROM tenure.roles r
        WHERE r.tenant_id = t AND r.id = a.role_id AND r.valid @> at
          AND (r.since_effective, r.since_position) <= (a.begun_effective, a.begun_position)
          AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k))
      AND CASE a.principal_kind
        WHEN 'identity' THEN EXISTS (
          SELECT FROM tenure.identities i
          WHERE i.tenant_id = t AND i.id = a.principal AND i.valid @> at
            AND (i.since_effective, i.since_position) <= (a.begun_effective, a.begun_position)
            AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k))
        ELSE EXISTS (
          SELECT FROM tenure.groups g
          WHERE g.tenant_id = t AND g.id = a.principal AND g.valid @> at
            AND (g.since_effective, g.since_position) <= (a.begun_effective, a.begun_position)
            AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k))
        END
  ), closure (root, role_id) AS (
    -- Each assigned role with the roles that it includes, itself among them.
    SELECT DISTINCT role_id, role_id FROM held
    UNION
    SELECT c.root, inner_role.id
    FROM closure c
    JOIN tenure.roles outer_role
      ON outer_role.tenant_id = t AND outer_role.id = c.role_id AND outer_role.valid @> at
      AND outer_role.recorded_from <= k AND (outer_role.recorded_to IS NULL OR outer_role.recorded_to > k)
    CROSS JOIN LATERAL unnest(outer_role.includes) AS included (id)
    JOIN tenure.roles inner_role
      ON inner_role.tenant_id = t AND inner_role.id = included.id AND inner_role.valid @> at
      AND (inner_role.since_effective, inner_role.since_position) <= (outer_role.effective_at, outer_role.position)
      AND inner_role.recorded_from <= k AND (inner_role.recorded_to IS NULL OR inner_role.recorded_to > k)
  ), rights AS (
    SELECT DISTINCT act.pattern AS action, CASE WHEN NOT r.is_known THEN r.id END AS unknown_role,
      coalesce(res.pattern, '*') AS resource, h.scope,
      -- Both conditions as canonical JSON in the order of their text, without repetition, so that equal rights are equal rows.
      CASE
        WHEN h.condition = p.condition OR p.condition IS NULL THEN '[' || coalesce(h.condition, '') || ']'
        WHEN h.condition IS NULL THEN '[' || p.condition || ']'
        WHEN h.condition < p.condition THEN '[' || h.condition || ',' || p.condition || ']'
        ELSE '[' || p.condition || ',' || h.condition || ']'
      END AS conditions,
      coalesce(p.effect, 'allow') AS effect
    FROM held h
    JOIN closure c ON c.root = h.role_id
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid @> at
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    LEFT JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position
    LEFT JOIN LATERAL unnest(p.actions) AS act (pattern) ON true
    LEFT JOIN LATERAL unnest(p.resources) AS res (pattern) ON true
    WHERE NOT r.is_known OR p.position IS NOT NULL
  )
  SELECT r.action, r.unknown_role, r.resource, r.scope, r.conditions::jsonb, r.effect
  FROM rights r
  ORDER BY coalesce(r.action, '') COLLATE "C", coalesce(r.unknown_role, '') COLLATE "C", r.resource COLLATE "C",
    -- Without its brackets, since a list comes before the longer one that begins with it, and "]" sorts after ",".
    r.scope COLLATE "C", btrim(r.conditions, '[]') COLLATE "C",
    r.effect COLLATE "C";
END
$$;
