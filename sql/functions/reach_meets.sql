-- Whether a permission on a scope may reach something that a right reaches: an action, a resource within the right's scope.
-- Never no where it does; each pair of patterns is looked at by itself, so that it may be yes where together they meet nowhere.
CREATE OR REPLACE FUNCTION tenure.reach_meets(
  actions text[], resources text[], scope text, right_action text, right_resource text, right_scope text
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN (scope = ANY (tenure.scopes_covering(right_scope)) OR right_scope = ANY (tenure.scopes_covering(scope)))
    AND EXISTS (SELECT FROM unnest(actions) AS a (pattern) WHERE tenure.patterns_overlap(a.pattern, right_action))
    AND EXISTS (
      SELECT FROM unnest(tenure.scope_patterns(scope)) AS s (pattern) WHERE tenure.patterns_overlap(s.pattern, right_resource))
    AND EXISTS (
      SELECT FROM unnest(resources) AS r (pattern)
      WHERE tenure.patterns_overlap(r.pattern, right_resource) AND EXISTS (
        SELECT FROM unnest(tenure.scope_patterns(right_scope)) AS s (pattern) WHERE tenure.patterns_overlap(r.pattern, s.pattern)));
END
$$;
