-- How far denies and boundaries keep each of some identities from an action on a resource over a stretch, as tenure.denials:
-- when that is open, and when they do.
-- `principals`, with `first` and `second` conditions and when they hold beside them: assignments whose role has a deny
-- permission that matches. Just-in-time compilation is off for the same reason.
CREATE OR REPLACE FUNCTION tenure.denials_during(
  t int, k int8, stretch tstzrange, action text, resource text, bearers text[],
  principals text[], first text[], second text[], helds tstzmultirange[]
) RETURNS TABLE (bearer text, open tstzmultirange, definite tstzmultirange) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  asked_action text := action;
  asked_resource text := resource;
BEGIN
  RETURN QUERY
  WITH RECURSIVE rules (number, is_boundary, included, excepted, conditions, held) AS MATERIALIZED (
    SELECT row_number() OVER (), r.*
    FROM (
      SELECT false, ARRAY[a.principal], NULL::text[], ARRAY[a.first, a.second], a.held
      FROM unnest(principals, first, second, helds) AS a (principal, first, second, held)
      UNION ALL
      SELECT p.is_boundary, p.included, p.excepted, p.conditions, tstzmultirange(p.valid * stretch)
      FROM tenure.policies_denying(t, k, stretch, asked_action, asked_resource) AS p) AS r
  ), inside (name, group_id, held) AS (
    -- The groups that rules name, and downwards all groups in them.
    SELECT n.name, substr(n.name, 7), tstzmultirange(stretch)
    FROM rules r CROSS JOIN LATERAL unnest(r.included || r.excepted) AS n (name)
    WHERE n.name LIKE 'group:%'
    UNION
    SELECT i.name, m.member, i.held * tstzmultirange(m.valid) * around.existed * member.existed
    FROM inside i
    JOIN tenure.memberships m
      ON m.tenant_id = t AND m.group_id = i.group_id AND m.member_kind = 'group' AND m.valid && i.held
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    CROSS JOIN LATERAL (
      SELECT range_agg(g.valid) AS existed FROM tenure.groups g
      WHERE g.tenant_id = t AND g.id = m.group_id AND g.valid && m.valid
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
        AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS around
    CROSS JOIN LATERAL (
      SELECT range_agg(g.valid) AS existed FROM tenure.groups g
      WHERE g.tenant_id = t AND g.id = m.member AND g.valid && m.valid
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
        AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS member
    WHERE i.held && (tstzmultirange(m.valid) * around.existed * member.existed)
  ), kin (bearer, id, held) AS (
    -- Each identity with the built-in principals that it is one of, and the person whose account it is.
    SELECT b.id, b.id, tstzmultirange(stretch) FROM unnest(bearers) AS b (id) WHERE EXISTS (SELECT FROM rules)
    UNION ALL
    SELECT b.id, a.id, a.held
    FROM tenure.built_in_principals(t, k, stretch) AS a CROSS JOIN unnest(bearers) AS b (id)
    WHERE b.id <> 'everyone' AND b.id <> a.id AND EXISTS (SELECT FROM rules)
    UNION ALL
    SELECT l.account, l.person, tstzmultirange(l.valid * stretch) * account.existed * person.existed
    FROM tenure.account_links l
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
    WHERE l.tenant_id = t AND l.account = ANY (bearers) AND l.valid && stretch AND EXISTS (SELECT FROM rules)
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
      AND account.existed && person.existed
  ), belonging (bearer, name, held) AS (
    SELECT f.bearer, 'identity:' || f.id, f.held FROM kin f
    UNION ALL
    SELECT f.bearer, i.name, f.held * i.held * tstzmultirange(m.valid) * around.existed * member.existed
    FROM kin f
    JOIN tenure.memberships m
      ON m.tenant_id = t AND m.member = f.id AND m.member_kind = 'identity' AND m.valid && f.held
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    JOIN inside i ON i.group_id = m.group_id AND m.valid && i.held
    CROSS JOIN LATERAL (
      SELECT range_agg(g.valid) AS existed FROM tenure.groups g
      WHERE g.tenant_id = t AND g.id = m.group_id AND g.valid && m.valid
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
        AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) AS around
    CROSS JOIN LATERAL (
      SELECT range_agg(e.valid) AS existed FROM tenure.identities e
      WHERE e.tenant_id = t AND e.id = m.member AND e.valid && m.valid
        AND (e.since_effective, e.since_position) <= (m.effective_at, m.position)
        AND e.recorded_from <= k AND (e.recorded_to IS NULL OR e.recorded_to > k)) AS member
  ), covered AS (
    SELECT b.bearer, r.number, r.is_boundary, r.conditions,
      CASE WHEN r.included IS NULL THEN r.held
        ELSE r.held * coalesce(range_agg(b.held) FILTER (WHERE b.name = ANY (r.included)), '{}') END
      - coalesce(range_agg(b.held) FILTER (WHERE b.name = ANY (r.excepted)), '{}') AS held
    FROM belonging b CROSS JOIN rules r
    GROUP BY b.bearer, r.number, r.is_boundary, r.conditions, r.included, r.held
  ), settled AS MATERIALIZED (
    -- What no identity's attributes change is judged once.
    SELECT r.number, j.judgement, j.held
    FROM rules r
    CROSS JOIN LATERAL tenure.conditions_judged_during(t, k, stretch, r.conditions, r.is_boundary, NULL, asked_resource) AS j
    WHERE array_to_string(r.conditions, '') NOT LIKE '%identity.%'
  ), judged AS (
    SELECT c.bearer, c.is_boundary, s.judgement, c.held * s.held AS held
    FROM covered c JOIN settled s ON s.number = c.number AND s.held && c.held
    UNION ALL
    SELECT c.bearer, c.is_boundary, j.judgement, c.held * j.held
    FROM covered c
    CROSS JOIN LATERAL tenure.conditions_judged_during(
      t, k, stretch, c.conditions, c.is_boundary, c.bearer, asked_resource) AS j
    WHERE array_to_string(c.conditions, '') LIKE '%identity.%' AND NOT isempty(c.held)
  ), ranked AS (
    -- A deny applies as far as its conditions hold; a boundary stops as far as they do not.
    SELECT j.bearer, CASE WHEN j.is_boundary THEN j.judgement ELSE 4 / j.judgement END AS rank, j.held FROM judged j
  )
  SELECT r.bearer, coalesce(range_agg(r.held) FILTER (WHERE r.rank = 2), '{}'),
    coalesce(range_agg(r.held) FILTER (WHERE r.rank = 4), '{}')
  FROM ranked r
  GROUP BY r.bearer;
END
$$;
