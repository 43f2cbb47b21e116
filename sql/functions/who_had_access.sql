-- Who could do an action on exactly this resource at a moment, as known at a position (default: all that is known).
-- status: allowed; conditional (every path has a condition); unknown (only through roles whose document is not known).
-- `rank` is the status as a number, the best being the least: 1 allowed, 2 conditional, 3 unknown.
CREATE OR REPLACE FUNCTION tenure.who_had_access(
  tenant text, action text, resource text, at timestamptz, as_known_at int8 DEFAULT NULL
) RETURNS TABLE (identity text, status text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  t int := tenure.tenant_named(tenant);
  k int8 := tenure.known_position(t, as_known_at);
  asked_action text := action;
  scopes text[] := tenure.scopes_covering(resource);
  asked_resource text := resource;
BEGIN
  RETURN QUERY
  WITH RECURSIVE covering AS MATERIALIZED (
    -- Assignments on a scope that covers the resource, whose principal and role have existed since before the grant.
    SELECT a.principal_kind, a.principal, a.role_id, a.condition IS NOT NULL AS is_conditional
    FROM tenure.assignments a
    WHERE a.tenant_id = t AND a.scope = ANY (scopes) AND a.valid @> at
      AND a.recorded_from <= k AND (a.recorded_to IS NULL OR a.recorded_to > k)
      AND EXISTS (
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
    SELECT DISTINCT role_id, role_id FROM covering
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
  ), granting AS (
    -- The best that an assigned role gives for the action and the resource.
    SELECT c.root, min(CASE WHEN NOT r.is_known THEN 3 WHEN p.condition IS NOT NULL THEN 2 ELSE 1 END) AS rank
    FROM closure c
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid @> at
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    LEFT JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position AND p.effect = 'allow'
      AND asked_action LIKE ANY (p.action_likes) AND asked_resource LIKE ANY (p.resource_likes)
    WHERE NOT r.is_known OR p.position IS NOT NULL
    GROUP BY c.root
  ), reached (kind, id, rank) AS (
    -- The principals of those assignments, and downwards all who belong to them.
    SELECT DISTINCT a.principal_kind, a.principal,
      CASE WHEN a.is_conditional AND g.rank < 3 THEN 2 ELSE g.rank END
    FROM covering a JOIN granting g ON g.root = a.role_id
    UNION
    SELECT m.member_kind, m.member, above.rank
    FROM reached above
    JOIN tenure.memberships m
      ON above.kind = 'group' AND m.tenant_id = t AND m.group_id = above.id AND m.valid @> at
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
  ), holding AS MATERIALIZED (
    SELECT id, min(rank) AS rank FROM reached WHERE kind = 'identity' GROUP BY id
  ), linked AS (
    -- A person's access includes that of the accounts linked to it, though not of accounts linked to those.
    SELECT h.id, h.rank, NULL::text AS account FROM holding h
    UNION ALL
    SELECT l.person, h.rank, l.account
    FROM holding h
    JOIN tenure.account_links l
      ON l.tenant_id = t AND l.account = h.id AND l.valid @> at
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
    WHERE (
      SELECT count(*) FROM tenure.identities i
      WHERE i.tenant_id = t AND i.id IN (l.account, l.person) AND i.valid @> at
        AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
        AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) = 2
  ), active AS (
    SELECT l.id, min(l.rank) AS rank FROM linked l
    WHERE NOT EXISTS (
      SELECT FROM tenure.identity_suspensions s
      JOIN tenure.identities i
        ON i.tenant_id = t AND i.id = s.identity AND i.valid @> at
        AND (i.since_effective, i.since_position) <= (s.effective_at, s.position)
        AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
      WHERE s.tenant_id = t AND s.identity IN (l.id, l.account) AND s.valid @> at
        AND s.recorded_from <= k AND (s.recorded_to IS NULL OR s.recorded_to > k))
    GROUP BY l.id
  )
  SELECT a.id, (ARRAY['allowed', 'conditional', 'unknown'])[a.rank] FROM active a ORDER BY a.id COLLATE "C";
END
$$;
