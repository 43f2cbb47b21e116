-- Who could do an action on exactly this resource at any time from `starting` until before `ending` (NULL: without end), as
-- known at a position (default: all that is known), and when. An identity has a row for each status that it had; at no instant
-- two. A stretch is what holds along a whole path: each step cuts it to where the step's fact and its ends hold.
-- Statuses and ranks are those of tenure.who_had_access; conditions that ask for the time are open.
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
  has_denials boolean := tenure.has_denials(t);
BEGIN
  RETURN QUERY
  WITH RECURSIVE covering AS MATERIALIZED (
    SELECT a.principal_kind, a.principal, a.role_id, a.condition,
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
    SELECT c.root, p.effect, p.condition, CASE WHEN r.is_known THEN 1 ELSE 3 END AS rank,
      range_agg(c.held * tstzmultirange(r.valid)) AS held
    FROM closure c
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid && c.held
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    LEFT JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position AND (p.effect = 'allow' OR has_denials)
      AND asked_action LIKE ANY (p.action_likes) AND asked_resource LIKE ANY (p.resource_likes)
    WHERE NOT r.is_known OR p.position IS NOT NULL
    GROUP BY 1, 2, 3, 4
  ), paths AS (
    -- The principals of those assignments, with the conditions of assignment and permission, NULL where neither has one.
    SELECT a.principal_kind, a.principal, g.rank, range_agg(a.held * g.held) AS held,
      CASE WHEN a.condition IS NOT NULL OR g.condition IS NOT NULL THEN ARRAY[a.condition, g.condition] END AS conditions
    FROM covering a JOIN granting g ON g.root = a.role_id AND a.held && g.held AND g.effect IS DISTINCT FROM 'deny'
    GROUP BY 1, 2, 3, 5
  ), starts AS (
    -- What no identity's attributes change is judged here, once.
    SELECT p.principal_kind, p.principal, p.rank, p.held, p.conditions FROM paths p
    WHERE p.conditions IS NULL OR array_to_string(p.conditions, '') LIKE '%identity.%'
    UNION ALL
    SELECT p.principal_kind, p.principal, greatest(p.rank, j.judgement), p.held * j.held, NULL
    FROM paths p
    CROSS JOIN LATERAL tenure.conditions_judged_during(t, k, stretch, p.conditions, false, NULL, asked_resource) AS j
    WHERE array_to_string(p.conditions, '') NOT LIKE '%identity.%' AND j.judgement < 4 AND p.held && j.held
  ), reached (kind, id, rank, conditions, held) AS (
    SELECT principal_kind, principal, rank, conditions, held FROM starts
    UNION
    SELECT m.member_kind, m.member, above.rank, above.conditions,
      above.held * tstzmultirange(m.valid) * around.existed * member.existed
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
    SELECT id, rank, conditions, range_agg(held) AS held FROM reached WHERE kind = 'identity' GROUP BY id, rank, conditions
  ), judged AS (
    -- What asks for an identity's attributes is judged with those of the one whose path it is, account or person.
    SELECT h.id, h.rank, h.held FROM holding h WHERE h.conditions IS NULL
    UNION ALL
    SELECT h.id, greatest(h.rank, j.judgement), h.held * j.held
    FROM holding h
    CROSS JOIN LATERAL tenure.conditions_judged_during(t, k, stretch, h.conditions, false, h.id, asked_resource) AS j
    WHERE h.conditions IS NOT NULL AND j.judgement < 4
  ), decided AS (
    -- Denies and boundaries stop each of these for itself: what is left of its time, and what is open of that.
    SELECT j.id, j.rank, j.held FROM judged j WHERE NOT has_denials
    UNION ALL
    SELECT j.id, left_over.rank, left_over.held
    FROM judged j
    LEFT JOIN (
      SELECT d.bearer, d.open, d.definite
      FROM (
        SELECT array_agg(a.principal_kind || ':' || a.principal), array_agg(a.condition), array_agg(g.condition),
          array_agg(a.held * g.held)
        FROM covering a JOIN granting g ON g.root = a.role_id AND a.held && g.held AND g.effect = 'deny'
      ) AS a (principals, first, second, helds)
      CROSS JOIN LATERAL tenure.denials_during(
        t, k, stretch, asked_action, asked_resource, (SELECT array_agg(DISTINCT id) FROM judged),
        a.principals, a.first, a.second, a.helds) AS d) AS d ON d.bearer = j.id
    CROSS JOIN LATERAL (VALUES
      (j.rank, j.held - coalesce(d.open, '{}') - coalesce(d.definite, '{}')),
      (greatest(j.rank, 2), j.held * d.open - coalesce(d.definite, '{}'))) AS left_over (rank, held)
    WHERE has_denials AND NOT isempty(left_over.held)
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
    SELECT d.id, d.rank, d.held - coalesce(x.suspended, '{}') AS held
    FROM decided d LEFT JOIN inactive x ON x.identity = d.id
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
