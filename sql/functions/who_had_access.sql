-- Who could do an action on exactly this resource at a moment, as known at a position (default: all that is known).
-- status: allowed; conditional (at best by a condition that is open, or under an open deny); unknown (only through roles whose
-- document is not known). `rank` is the status as a number, the best being the least: 1 allowed, 2 conditional, 3 unknown, 4
-- denied; so all that must hold together ranks as the greatest of it. Conditions rank as tenure.condition_judgement.
-- It answers access alone: who could have obtained it under an elevation policy (eligible) only the service answers.
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
  has_denials boolean := tenure.has_denials(t);
BEGIN
  RETURN QUERY
  WITH RECURSIVE covering AS MATERIALIZED (
    -- Assignments on a scope that covers the resource, whose principal and role have existed since before the grant.
    SELECT a.principal_kind, a.principal, a.role_id, a.condition
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
    -- What an assigned role says of the action and the resource.
    SELECT c.root, p.effect, p.condition, min(CASE WHEN r.is_known THEN 1 ELSE 3 END) AS rank
    FROM closure c
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid @> at
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    LEFT JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position AND (p.effect = 'allow' OR has_denials)
      AND asked_action LIKE ANY (p.action_likes) AND asked_resource LIKE ANY (p.resource_likes)
    WHERE NOT r.is_known OR p.position IS NOT NULL
    GROUP BY c.root, p.effect, p.condition
  ), described (attributes) AS MATERIALIZED (
    SELECT tenure.attributes_at(t, k, 'resource', asked_resource, at)
  ), starts AS (
    -- The principals of those assignments, with the conditions of the assignment and the permission; what no identity's
    -- attributes change is judged here, once.
    SELECT DISTINCT a.principal_kind, a.principal,
      CASE WHEN asks.of_identity OR a.condition IS NULL AND g.condition IS NULL THEN g.rank
        ELSE greatest(g.rank, tenure.conditions_judgement(
          t, k, at, ARRAY[a.condition, g.condition], false, NULL, (SELECT attributes FROM described))) END AS rank,
      CASE WHEN asks.of_identity THEN ARRAY[a.condition, g.condition] END AS conditions
    FROM covering a
    JOIN granting g ON g.root = a.role_id AND g.effect IS DISTINCT FROM 'deny'
    CROSS JOIN LATERAL (SELECT concat(a.condition, g.condition) LIKE '%identity.%') AS asks (of_identity)
  ), reached (kind, id, rank, conditions) AS (
    -- Those principals, and downwards all who belong to them.
    SELECT s.principal_kind, s.principal, s.rank, s.conditions FROM starts s WHERE s.rank < 4
    UNION
    SELECT m.member_kind, m.member, above.rank, above.conditions
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
    -- What asks for an identity's attributes is judged with those of the one whose path it is, account or person.
    SELECT r.id, min(CASE WHEN r.conditions IS NULL THEN r.rank
      ELSE greatest(r.rank, tenure.conditions_judgement(
        t, k, at, r.conditions, false, r.id, (SELECT attributes FROM described))) END) AS rank
    FROM reached r WHERE r.kind = 'identity' GROUP BY r.id
  ), decided AS (
    -- Denies and boundaries stop each of these for itself.
    SELECT h.id, h.rank FROM holding h WHERE NOT has_denials
    UNION ALL
    SELECT h.id, greatest(h.rank, d.rank)
    FROM holding h
    LEFT JOIN (
      SELECT d.bearer, d.rank
      FROM (
        SELECT array_agg(a.principal_kind || ':' || a.principal), array_agg(a.condition), array_agg(g.condition)
        FROM covering a JOIN granting g ON g.root = a.role_id AND g.effect = 'deny') AS a (principals, first, second)
      CROSS JOIN LATERAL tenure.denials(
        t, k, at, asked_action, asked_resource, (SELECT array_agg(id) FROM holding WHERE rank < 4),
        a.principals, a.first, a.second) AS d) AS d ON d.bearer = h.id
    WHERE has_denials
  ), linked AS (
    -- A person's access includes that of the accounts linked to it, though not of accounts linked to those.
    SELECT d.id, d.rank, NULL::text AS account FROM decided d WHERE d.rank < 4
    UNION ALL
    SELECT l.person, d.rank, l.account
    FROM decided d
    JOIN tenure.account_links l
      ON l.tenant_id = t AND l.account = d.id AND d.rank < 4 AND l.valid @> at
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
