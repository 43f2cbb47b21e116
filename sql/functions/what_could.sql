-- What an identity could do at a moment, as known at a position (default: all that is known): one row for each pattern of
-- actions, pattern of resources within the scope, scope, set of conditions and effect. Nothing where it did not exist or was
-- suspended. A role whose document is not known is named by `unknown_role`, with no action: it may allow anything within the
-- scope. What a role denies is listed too, with the effect deny.
-- Conditions stand as written; a right one of whose conditions does not hold is left out. status: allowed; conditional (a
-- condition is open, as for a resource and a request that are not given, or that of something in `restricted_by`); unknown;
-- denied (all of it is taken away). `restricted_by`, as [{"kind": "deny", "id": "ID"}, …] with the kinds of
-- tenure.restrictions: what takes all of it away where it is denied, otherwise what takes away some of it, or may; it may name
-- what takes nothing, for patterns are compared and not the resources that there are.
-- What `everyone` and `authenticated` hold is included; with `own` it is left out, as where these are listed themselves.
-- Dropped first with the view over it, since a function cannot be replaced by one with other columns; both are made anew below
-- and in views.
DROP VIEW IF EXISTS tenure.current_entitlements;
DROP FUNCTION IF EXISTS tenure.what_could(text, text, timestamptz, int8);
DROP FUNCTION IF EXISTS tenure.what_could(text, text, timestamptz, int8, boolean);
CREATE FUNCTION tenure.what_could(
  tenant text, identity text, at timestamptz, as_known_at int8 DEFAULT NULL, own boolean DEFAULT false
) RETURNS TABLE (
  action text, unknown_role text, resource text, scope text, conditions jsonb, effect text, status text, restricted_by jsonb
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  t int := tenure.tenant_named(tenant);
  k int8 := tenure.known_position(t, as_known_at);
  asked text := identity;
  is_own boolean := own;
  has_denials boolean := tenure.has_denials(t);
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
  ), principals (bearer, kind, id) AS (
    -- Those, the built-in principals that they are some of, and upwards all groups that they belong to; an account's access
    -- goes with its person's activity.
    SELECT s.*
    FROM (
      SELECT a.id, 'identity', a.id FROM active a
      UNION ALL
      SELECT a.id, 'identity', b.id FROM active a
      CROSS JOIN tenure.built_in_principals(t, k, tstzrange(at, at, '[]')) AS b
      WHERE NOT is_own AND b.held @> at AND a.id <> 'everyone' AND a.id <> b.id) AS s
    WHERE EXISTS (SELECT FROM active WHERE id = asked)
    UNION
    SELECT below.bearer, 'group', m.group_id
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
    SELECT DISTINCT p.bearer, a.role_id, a.scope, a.condition
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
  ), granted AS (
    SELECT h.bearer, act.pattern AS action, CASE WHEN NOT r.is_known THEN r.id END AS unknown_role,
      coalesce(res.pattern, '*') AS resource, h.scope,
      -- Both conditions as canonical JSON in the order of their text, without repetition, so that equal rights are equal rows.
      CASE
        WHEN h.condition = p.condition OR p.condition IS NULL THEN '[' || coalesce(h.condition, '') || ']'
        WHEN h.condition IS NULL THEN '[' || p.condition || ']'
        WHEN h.condition < p.condition THEN '[' || h.condition || ',' || p.condition || ']'
        ELSE '[' || p.condition || ',' || h.condition || ']'
      END AS conditions,
      coalesce(p.effect, 'allow') AS effect, h.condition AS first, p.condition AS second
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
  ), rights AS (
    SELECT DISTINCT ON (g.bearer, g.action, g.unknown_role, g.resource, g.scope, g.conditions, g.effect) g.* FROM granted g
  ), judged AS MATERIALIZED (
    -- Each by its own number, with its rank: 1 allowed, 2 conditional, 3 unknown, 4 denied.
    SELECT row_number() OVER () AS number, r.*,
      CASE WHEN r.effect = 'deny' THEN 4 WHEN r.action IS NULL THEN 3 ELSE j.judgement END AS rank
    FROM rights r
    CROSS JOIN LATERAL (
      SELECT CASE WHEN r.first IS NULL AND r.second IS NULL THEN 1
        ELSE tenure.conditions_judgement(t, k, at, ARRAY[r.first, r.second], false, r.bearer, NULL) END) AS j (judgement)
    WHERE j.judgement < 4
  ), restricting AS MATERIALIZED (
    SELECT b.bearer, x.*
    FROM (SELECT DISTINCT g.bearer FROM judged g WHERE has_denials) AS b
    CROSS JOIN LATERAL tenure.restrictions(t, k, at, b.bearer) AS x
  ), compared AS (
    SELECT g.number, x.kind, x.id, x.judgement, m.meets, m.meets AND x.judgement = 1 AND tenure.reach_contains(
      x.actions, x.resources, x.scope, coalesce(g.action, '*'), g.resource, g.scope) AS contains
    FROM judged g
    JOIN restricting x ON x.bearer = g.bearer
    CROSS JOIN LATERAL (
      SELECT x.actions IS NOT NULL AND tenure.reach_meets(
        x.actions, x.resources, x.scope, coalesce(g.action, '*'), g.resource, g.scope)) AS m (meets)
    WHERE g.effect = 'allow'
  ), taken AS (
    -- What takes away a right or some of it: a deny that meets it; a boundary that is not sure to leave all of it.
    SELECT c.number, c.kind, c.id, bool_or(c.meets AND c.judgement = 2) AS is_open,
      CASE c.kind WHEN 'boundary' THEN NOT bool_or(c.meets) ELSE bool_or(c.contains) END AS is_all
    FROM compared c
    GROUP BY c.number, c.kind, c.id
    HAVING CASE c.kind WHEN 'boundary' THEN NOT bool_or(c.contains) ELSE bool_or(c.meets) END
  ), left_over AS (
    SELECT g.number, coalesce(x.is_denied, false) AS is_denied,
      CASE WHEN x.is_denied THEN 4 WHEN g.rank = 1 AND x.is_open THEN 2 ELSE g.rank END AS rank, x.is_denied IS NULL AS is_free
    FROM judged g
    LEFT JOIN (
      SELECT n.number, bool_or(n.is_all) AS is_denied, bool_or(n.is_open) AS is_open FROM taken n GROUP BY n.number) AS x
      ON x.number = g.number
  ), best AS (
    -- Of those by whom a right is held the best count; and what nothing takes away from one of them stays.
    SELECT g.action, g.unknown_role, g.resource, g.scope, g.conditions, g.effect, o.number, o.is_denied, o.is_free,
      o.rank, min(o.rank) OVER held_by AS best
    FROM judged g
    JOIN left_over o ON o.number = g.number
    WINDOW held_by AS (PARTITION BY g.action, g.unknown_role, g.resource, g.scope, g.conditions, g.effect)
  )
  SELECT b.action, b.unknown_role, b.resource, b.scope, b.conditions::jsonb, b.effect,
    (ARRAY['allowed', 'conditional', 'unknown', 'denied'])[min(b.rank)],
    CASE WHEN bool_or(b.is_free) THEN '[]'
      ELSE (
        SELECT jsonb_agg(
          jsonb_build_object('kind', split_part(named, ' ', 1), 'id', substr(named, strpos(named, ' ') + 1))
          ORDER BY named COLLATE "C")
        FROM unnest(array_agg(DISTINCT x.kind || ' ' || x.id)) AS named) END
  FROM best b
  LEFT JOIN taken x ON x.number = b.number AND (x.is_all OR NOT b.is_denied)
  WHERE b.rank = b.best
  GROUP BY b.action, b.unknown_role, b.resource, b.scope, b.conditions, b.effect
  ORDER BY coalesce(b.action, '') COLLATE "C", coalesce(b.unknown_role, '') COLLATE "C", b.resource COLLATE "C",
    -- Without its brackets, since a list comes before the longer one that begins with it, and "]" sorts after ",".
    b.scope COLLATE "C", btrim(b.conditions, '[]') COLLATE "C",
    b.effect COLLATE "C";
END
$$;
