-- The patterns of what a scope covers: everything, or the path itself and all below it. A ? in it is no wildcard, so a character
-- stands for it that no pattern has.
CREATE OR REPLACE FUNCTION tenure.scope_patterns(scope text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE WHEN scope = '*' THEN ARRAY['*']
    ELSE ARRAY[replace(scope, '?', chr(3)), replace(scope, '?', chr(3)) || '/*'] END;
END
$$;
