-- The scopes that cover a resource path: *, the path itself, and each proper prefix by whole segments.
CREATE OR REPLACE FUNCTION tenure.scopes_covering(resource text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT array_agg(DISTINCT scope) FROM (
    SELECT '*' AS scope
    UNION ALL
    SELECT array_to_string(segments[1:last], '/')
    FROM string_to_array(resource, '/') AS segments, generate_subscripts(segments, 1) AS last
  ) AS scopes
$$;
