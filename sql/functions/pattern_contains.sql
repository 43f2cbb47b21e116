-- Whether every text that matches the other pattern is proved to match this one: the other is read as a text in which only a *
-- here may stand for a *, and only a wildcard for a ?. So it says no of a few that do, as *? and ?*, and never yes of one that
-- does not.
CREATE OR REPLACE FUNCTION tenure.pattern_contains(pattern text, other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN pattern = '*' OR translate(other, '*?', chr(1) || chr(2)) ~ tenure.pattern_regexp(pattern, false);
END
$$;
