-- Whether a text matches one of the patterns of a policy, a JSON list; where there is none, it does.
CREATE OR REPLACE FUNCTION tenure.matches_pattern(asked text, patterns jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN coalesce(jsonb_typeof(patterns), 'null') = 'null' OR EXISTS (
    SELECT FROM jsonb_path_query(patterns, '$[*]') AS p WHERE asked LIKE tenure.like_pattern(p #>> '{}'));
END
$$;
