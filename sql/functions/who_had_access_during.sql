-- Who could do an action on exactly this resource at any time from `starting` until before `ending` (NULL: without end), as known
-- at a position (default: all that is known), and when. An identity has a row for each status that it had; at no instant two.
-- A stretch is what holds along a whole path: each step cuts it to where the step's fact and its ends hold.
CREATE OR REPLACE FUNCTION tenure.who_had_access_during(
  tenant text, action text, resource text, starting timestamptz, ending timestamptz, as_known_at int8 DEFAULT NULL
) RETURNS TABLE (identity text, status text, held tstzmultirange)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  t int := tenure.tenant_named(tenant);
  k int8 := tenure.known_position(t, as_known_at);
  asked_action text := action;
  scopes text[] := tenure.scopes_covering(resource);
  asked_resource text := resource;
  stretch tstzrange := tstzrange(starting, ending);
BEGIN
  RETURN QUERY
  WITH RECURSIVE covering AS MATERIALIZED (
    SELECT a.principal_kind, a.principal, a.role_id, a.condition IS NOT NULL AS is_conditional,
      tstzmultirange(a.valid * stretch) * role.existed * principal.existed AS held
    FROM tenure.assignments a
    CROSS JOIN LATERAL (
      SELECT range_agg(r.valid) AS existed FROM tenure.roles r
      WHERE r.tenant_id = t AND r.id = a.role_id AND r.valid && a.valid
        AND (r.since_effective, r.since_position) <= (a.begun_effective, a.begun_position)
        AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)) AS role
    CROSS JOIN LATERAL (
      SELECT range_agg(e.valid) AS existed FROM (
        SELECT i.valid FROM tenure.identities i
        WHERE a.principal_kind = 'identity' AND i.tenant_id = t AND i.id = a.principal AND i.valid && a.valid
          AND (i.since_effective, i.since_position) <= (a.begun_effective, a.begun_position)
          AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
        UNION ALL
        SELECT g.valid FROM tenure.groups g
        WHERE a.principal_kind = 'group' AND g.tenant_id = t AND g.id = a.principal AND g.valid && a.valid
          AND (g.since_effective, g.since_position) <= (a.begun_effective, a.begun_position)
          AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS e) AS principal
    WHERE a.tenant_id = t AND a.scope = ANY (scopes) AND a.valid && stretch
      AND a.recorded_from <= k AND (a.recorded_to IS NULL OR a.recorded_to > k)
  ), closure (root, role_id, held) AS (
    SELECT DISTINCT role_id, role_id, tstzmultirange(stretch) FROM covering
    UNION
    SELECT c.root, included.id, c.held * tstzmultirange(outer_role.valid) * inner_role.existed
    FROM closure c
    JOIN tenure.roles outer_role
      ON outer_role.tenant_id = t AND outer_role.id = c.role_id AND outer_role.valid && c.held
      AND outer_role.recorded_from <= k AND (outer_role.recorded_to IS NULL OR outer_role.recorded_to > k)
    CROSS JOIN LATERAL unnest(outer_role.includes) AS included (id)
    CROSS JOIN LATERAL (
      SELECT range_agg(r.valid) AS existed FROM tenure.roles r
      WHERE r.tenant_id = t AND r.id = included.id AND r.valid && outer_role.valid
        AND (r.since_effective, r.since_position) <= (outer_role.effective_at, outer_role.position)
        AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)) AS inner_role
    WHERE c.held && (tstzmultirange(outer_role.valid) * inner_role.existed)
  ), granting AS (
    SELECT c.root, CASE WHEN NOT r.is_known THEN 3 WHEN p.condition IS NOT NULL THEN 2 ELSE 1 END AS rank,
      range_agg(c.held * tstzmultirange(r.valid)) AS held
    FROM closure c
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid && c.held
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    LEFT JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position AND p.effect = 'allow'
      AND asked_action LIKE ANY (p.action_likes) AND asked_resource LIKE ANY (p.resource_likes)
    WHERE NOT r.is_known OR p.position IS NOT NULL
    GROUP BY 1, 2
  ), starts AS (
    SELECT a.principal_kind, a.principal, CASE WHEN a.is_conditional AND g.rank < 3 THEN 2 ELSE g.rank END AS rank,
      range_agg(a.held * g.held) AS held
    FROM covering a JOIN granting g ON g.root = a.role_id AND a.held && g.held
    GROUP BY 1, 2, 3
  ), reached (kind, id, rank, held) AS (
    SELECT principal_kind, principal, rank, held FROM starts
    UNION
    SELECT m.member_kind, m.member, above.rank, above.held * tstzmultirange(m.valid) * around.existed * member.existed
    FROM reached above
    JOIN tenure.memberships m
      ON above.kind = 'group' AND m.tenant_id = t AND m.group_id = above.id AND m.valid && above.held
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    CROSS JOIN LATERAL (
      SELECT range_agg(g.valid) AS existed FROM tenure.groups g
      WHERE g.tenant_id = t AND g.id = m.group_id AND g.valid && m.valid
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
        AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS around
    CROSS JOIN LATERAL (
      SELECT range_agg(e.valid) AS existed FROM (
        SELECT i.valid FROM tenure.identities i
        WHERE m.member_kind = 'identity' AND i.tenant_id = t AND i.id = m.member AND i.valid && m.valid
          AND (i.since_effective, i.since_position) <= (m.effective_at, m.position)
          AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
        UNION ALL
        SELECT g.valid FROM tenure.groups g
        WHERE m.member_kind = 'group' AND g.tenant_id = t AND g.id = m.member AND g.valid && m.valid
          AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
          AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS e) AS member
    WHERE above.held && (tstzmultirange(m.valid) * around.existed * member.existed)
  ), holding AS MATERIALIZED (
    SELECT id, rank, range_agg(held) AS held FROM reached WHERE kind = 'identity' GROUP BY id, rank
  ), inactive AS (
    -- When those whom it concerns were suspended: a suspension dies with the existence that it was said of.
    SELECT s.identity, range_agg(s.valid * i.valid) AS suspended
    FROM tenure.identity_suspensions s
    JOIN tenure.identities i
      ON i.tenant_id = t AND i.id = s.identity AND i.valid && s.valid
      AND (i.since_effective, i.since_position) <= (s.effective_at, s.position)
      AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
    WHERE s.tenant_id = t AND s.valid && stretch
      AND s.recorded_from <= k AND (s.recorded_to IS NULL OR s.recorded_to > k)
    GROUP BY s.identity
  ), active AS (
    SELECT h.id, h.rank, h.held - coalesce(x.suspended, '{}') AS held
    FROM holding h LEFT JOIN inactive x ON x.identity = h.id
  ), linked AS (
    -- A person's access includes that of the accounts linked to it, though not of accounts linked to those.
    SELECT a.id, a.rank, a.held FROM active a
    UNION ALL
    SELECT l.person, a.rank, a.held * tstzmultirange(l.valid) * account.existed * person.existed - coalesce(x.suspended, '{}')
    FROM active a
    JOIN tenure.account_links l
      ON l.tenant_id = t AND l.account = a.id AND l.valid && a.held
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
    CROSS JOIN LATERAL (
      SELECT range_agg(i.valid) AS existed FROM tenure.identities i
      WHERE i.tenant_id = t AND i.id = l.account AND i.valid && l.valid
        AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
        AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) AS account
    CROSS JOIN LATERAL (
      SELECT range_agg(i.valid) AS existed FROM tenure.identities i
      WHERE i.tenant_id = t AND i.id = l.person AND i.valid && l.valid
        AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
        AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) AS person
    LEFT JOIN inactive x ON x.identity = l.person
  ), totals AS (
    SELECT l.id, coalesce(range_agg(l.held) FILTER (WHERE l.rank = 1), '{}') AS allowed,
      coalesce(range_agg(l.held) FILTER (WHERE l.rank = 2), '{}') AS conditional,
      coalesce(range_agg(l.held) FILTER (WHERE l.rank = 3), '{}') AS unknown
    FROM linked l GROUP BY l.id
  )
  SELECT o.id, best.status, best.held
  FROM totals o
  CROSS JOIN LATERAL (VALUES
    (1, 'allowed', o.allowed),
    (2, 'conditional', o.conditional - o.allowed),
    (3, 'unknown', o.unknown - o.allowed - o.conditional)) AS best (rank, status, held)
  WHERE NOT isempty(best.held)
  ORDER BY o.id COLLATE "C", best.rank;
END
$$;
