-- How far denies and boundaries keep each of some identities from an action on a resource at a moment: 2 where that is open, 4
-- where they do; others have no row. An identity is judged with its own attributes; denies reach it also through the person
-- whose account it is, active or not, and through the groups of both.
-- `principals`, with `first` and `second` conditions beside them: assignments whose role has a deny permission that matches.
-- Just-in-time compilation is off, since it takes a second, which the guessed costs of recursions would call for.
CREATE OR REPLACE FUNCTION tenure.denials(
  t int, k int8, at timestamptz, action text, resource text, bearers text[],
  principals text[], first text[], second text[]
) RETURNS TABLE (bearer text, rank int) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  asked_action text := action;
  asked_resource text := resource;
  described jsonb := tenure.attributes_at(t, k, 'resource', resource, at);
BEGIN
  RETURN QUERY
  WITH RECURSIVE rules (is_boundary, included, excepted, conditions) AS MATERIALIZED (
    SELECT false, ARRAY[a.principal], NULL::text[], ARRAY[a.first, a.second]
    FROM unnest(principals, first, second) AS a (principal, first, second)
    UNION ALL
    SELECT p.is_boundary, p.included, p.excepted, p.conditions
    FROM tenure.policies_denying(t, k, tstzrange(at, at, '[]'), asked_action, asked_resource) AS p
  ), settled AS MATERIALIZED (
    -- What no identity's attributes change is judged once.
    SELECT r.*, CASE WHEN array_to_string(r.conditions, '') NOT LIKE '%identity.%'
      THEN tenure.conditions_judgement(t, k, at, r.conditions, r.is_boundary, NULL, described) END AS judgement
    FROM rules r
  ), inside (name, group_id) AS (
    -- The groups that rules name, and downwards all groups in them.
    SELECT n.name, substr(n.name, 7) FROM rules r CROSS JOIN LATERAL unnest(r.included || r.excepted) AS n (name)
    WHERE n.name LIKE 'group:%'
    UNION
    SELECT i.name, m.member
    FROM inside i
    JOIN tenure.memberships m
      ON m.tenant_id = t AND m.group_id = i.group_id AND m.member_kind = 'group' AND m.valid @> at
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    WHERE (
      SELECT count(*) FROM tenure.groups g
      WHERE g.tenant_id = t AND g.id IN (m.group_id, m.member) AND g.valid @> at
        AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
        AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)) = 2
  ), kin (bearer, id) AS (
    -- Each identity with the built-in principals that it is one of, and the person whose account it is.
    SELECT b.id, b.id FROM unnest(bearers) AS b (id) WHERE EXISTS (SELECT FROM rules)
    UNION
    SELECT b.id, a.id
    FROM tenure.built_in_principals(t, k, tstzrange(at, at, '[]')) AS a CROSS JOIN unnest(bearers) AS b (id)
    WHERE a.held @> at AND b.id <> 'everyone' AND b.id <> a.id AND EXISTS (SELECT FROM rules)
    UNION
    SELECT l.account, l.person
    FROM tenure.account_links l
    WHERE l.tenant_id = t AND l.account = ANY (bearers) AND l.valid @> at AND EXISTS (SELECT FROM rules)
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
      AND (
        SELECT count(*) FROM tenure.identities i
        WHERE i.tenant_id = t AND i.id IN (l.account, l.person) AND i.valid @> at
          AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
          AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) = 2
  ), belonging (bearer, name) AS (
    SELECT f.bearer, 'identity:' || f.id FROM kin f
    UNION
    SELECT f.bearer, i.name
    FROM kin f
    JOIN tenure.memberships m
      ON m.tenant_id = t AND m.member = f.id AND m.member_kind = 'identity' AND m.valid @> at
      AND m.recorded_from <= k AND (m.recorded_to IS NULL OR m.recorded_to > k)
    JOIN inside i ON i.group_id = m.group_id
    WHERE EXISTS (
        SELECT FROM tenure.groups g
        WHERE g.tenant_id = t AND g.id = m.group_id AND g.valid @> at
          AND (g.since_effective, g.since_position) <= (m.effective_at, m.position)
          AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k))
      AND EXISTS (
        SELECT FROM tenure.identities e
        WHERE e.tenant_id = t AND e.id = m.member AND e.valid @> at
          AND (e.since_effective, e.since_position) <= (m.effective_at, m.position)
          AND e.recorded_from <= k AND (e.recorded_to IS NULL OR e.recorded_to > k))
  ), named AS (
    SELECT b.bearer, array_agg(b.name) AS names FROM belonging b GROUP BY b.bearer
  ), judged AS (
    SELECT n.bearer, s.is_boundary, coalesce(
      s.judgement, tenure.conditions_judgement(t, k, at, s.conditions, s.is_boundary, n.bearer, described)) AS judgement
    FROM named n
    JOIN settled s ON coalesce(s.included && n.names, true) AND NOT coalesce(s.excepted && n.names, false)
  )
  -- A deny applies as far as its conditions hold; a boundary stops as far as they do not.
  SELECT j.bearer, max(CASE WHEN j.is_boundary THEN j.judgement ELSE 4 / j.judgement END)
  FROM judged j
  GROUP BY j.bearer
  HAVING max(CASE WHEN j.is_boundary THEN j.judgement ELSE 4 / j.judgement END) > 1;
END
$$;
