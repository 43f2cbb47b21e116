-- Whether a permission on a scope is proved to reach all that a right reaches; see tenure.pattern_contains.
CREATE OR REPLACE FUNCTION tenure.reach_contains(
  actions text[], resources text[], scope text, right_action text, right_resource text, right_scope text
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN EXISTS (SELECT FROM unnest(actions) AS a (pattern) WHERE tenure.pattern_contains(a.pattern, right_action))
    -- What the right reaches matches both its pattern and its scope, so that either within will do.
    AND (EXISTS (SELECT FROM unnest(resources) AS r (pattern) WHERE tenure.pattern_contains(r.pattern, right_resource))
      OR NOT EXISTS (
        SELECT FROM unnest(tenure.scope_patterns(right_scope)) AS s (pattern) WHERE NOT EXISTS (
          SELECT FROM unnest(resources) AS r (pattern) WHERE tenure.pattern_contains(r.pattern, s.pattern))))
    AND (scope = ANY (tenure.scopes_covering(right_scope)) OR EXISTS (
      SELECT FROM unnest(tenure.scope_patterns(scope)) AS s (pattern) WHERE tenure.pattern_contains(s.pattern, right_resource)));
END
$$;
