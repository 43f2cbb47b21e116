-- All that takes rights away from an identity at a moment, judged by its own attributes: `deny` policies, `deny_permission`s
-- that an assignment of that id gives, and for each `boundary` what it leaves, and a row without actions. Denies reach it also
-- through the person whose account it is, active or not, through built-in principals, and through the groups of all these.
-- judgement: 1 it applies, 2 its condition is open, as for a resource and a request that are not given.
CREATE OR REPLACE FUNCTION tenure.restrictions(t int, k int8, at timestamptz, bearer text)
RETURNS TABLE (kind text, id text, scope text, actions text[], resources text[], judgement int)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  asked text := bearer;
BEGIN
  RETURN QUERY
  WITH RECURSIVE kin (id) AS (
    SELECT asked
    UNION
    SELECT b.id FROM tenure.built_in_principals(t, k, tstzrange(at, at, '[]')) AS b
    WHERE b.held @> at AND asked <> 'everyone' AND asked <> b.id
    UNION
    SELECT l.person
    FROM tenure.account_links l
    WHERE l.tenant_id = t AND l.account = asked AND l.valid @> at
      AND l.recorded_from <= k AND (l.recorded_to IS NULL OR l.recorded_to > k)
      AND (
        SELECT count(*) FROM tenure.identities i
        WHERE i.tenant_id = t AND i.id IN (l.account, l.person) AND i.valid @> at
          AND (i.since_effective, i.since_position) <= (l.effective_at, l.position)
          AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)) = 2
  ), ancestry (kind, id) AS (
    SELECT 'identity', f.id FROM kin f
    UNION
    SELECT 'group', m.group_id
    FROM ancestry below
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
    SELECT a.id, a.role_id, a.scope, a.condition
    FROM ancestry p
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
    SELECT DISTINCT h.role_id, h.role_id FROM held h
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
  ), names AS (
    SELECT array_agg(a.kind || ':' || a.id) AS all FROM ancestry a
  ), concerning AS (
    SELECT p.policy_type, p.id, p.rule
    FROM tenure.policies p CROSS JOIN names n
    WHERE p.tenant_id = t AND p.policy_type IN ('deny', 'boundary') AND p.valid @> at
      AND p.recorded_from <= k AND (p.recorded_to IS NULL OR p.recorded_to > k)
      AND (coalesce(jsonb_typeof(p.rule -> 'principals'), 'null') = 'null'
        OR ARRAY(SELECT x #>> '{}' FROM jsonb_path_query(p.rule, '$.principals[*]') AS x) && n.all)
      AND NOT ARRAY(SELECT x #>> '{}' FROM jsonb_path_query(p.rule, '$.except[*]') AS x) && n.all
  ), permissions (kind, id, scope, actions, resources, conditions) AS (
    SELECT 'deny_permission', h.id, h.scope, p.actions, p.resources, ARRAY[h.condition, p.condition]
    FROM held h
    JOIN closure c ON c.root = h.role_id
    JOIN tenure.roles r
      ON r.tenant_id = t AND r.id = c.role_id AND r.valid @> at
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
    JOIN tenure.role_permissions p
      ON p.tenant_id = t AND p.role_id = r.id AND p.position = r.position AND p.effect = 'deny'
    UNION ALL
    SELECT p.policy_type, p.id, '*', ARRAY(SELECT x #>> '{}' FROM jsonb_path_query(n, '$.actions[*]') AS x),
      CASE WHEN coalesce(jsonb_typeof(n -> 'resources'), 'null') = 'null' THEN ARRAY['*']
        ELSE ARRAY(SELECT x #>> '{}' FROM jsonb_path_query(n, '$.resources[*]') AS x) END,
      ARRAY[nullif(n -> 'condition', 'null')::text]
    FROM concerning p
    CROSS JOIN LATERAL jsonb_path_query(
      p.rule, CASE p.policy_type WHEN 'deny' THEN '$'::jsonpath ELSE '$.permissions[*]' END) AS n
  )
  SELECT p.kind, p.id, p.scope, p.actions, p.resources, j.judgement
  FROM permissions p
  CROSS JOIN LATERAL (
    SELECT CASE WHEN array_to_string(p.conditions, '') = '' THEN 1
      ELSE tenure.conditions_judgement(t, k, at, p.conditions, false, asked, NULL) END) AS j (judgement)
  WHERE j.judgement < 4
  UNION ALL
  SELECT 'boundary', b.id, '*', NULL, NULL, 1 FROM concerning b WHERE b.policy_type = 'boundary';
END
$$;
