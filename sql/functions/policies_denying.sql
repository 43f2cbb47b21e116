-- The policies over a stretch that may stop an action on a resource: each deny that matches both, and every boundary.
-- `included` and `excepted`: principals as kind:id; NULL for everybody. `conditions` with NULL for none: that of a deny; of a
-- boundary those of its permissions that match, of which there may be none.
CREATE OR REPLACE FUNCTION tenure.policies_denying(t int, k int8, stretch tstzrange, action text, resource text)
RETURNS TABLE (is_boundary boolean, included text[], excepted text[], conditions text[], valid tstzrange)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
  asked_action text := action;
  asked_resource text := resource;
BEGIN
  RETURN QUERY
  SELECT p.policy_type = 'boundary',
    CASE WHEN jsonb_typeof(p.rule -> 'principals') = 'array'
      THEN ARRAY(SELECT n #>> '{}' FROM jsonb_path_query(p.rule, '$.principals[*]') AS n) END,
    ARRAY(SELECT n #>> '{}' FROM jsonb_path_query(p.rule, '$.except[*]') AS n),
    CASE WHEN p.policy_type = 'deny' THEN ARRAY[nullif(p.rule -> 'condition', 'null')::text]
      ELSE ARRAY(
        SELECT nullif(n -> 'condition', 'null')::text FROM jsonb_path_query(p.rule, '$.permissions[*]') AS n
        WHERE tenure.matches_pattern(asked_action, n -> 'actions') AND tenure.matches_pattern(asked_resource, n -> 'resources'))
    END,
    p.valid
  FROM tenure.policies p
  WHERE p.tenant_id = t AND p.policy_type IN ('deny', 'boundary') AND p.valid && stretch
    AND p.recorded_from <= k AND (p.recorded_to IS NULL OR p.recorded_to > k)
    AND (p.policy_type = 'boundary' OR tenure.matches_pattern(asked_action, p.rule -> 'actions')
      AND tenure.matches_pattern(asked_resource, p.rule -> 'resources'));
END
$$;
