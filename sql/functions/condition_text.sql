-- A text of a condition as a pattern for LIKE, its variables replaced by what they say, which is never a wildcard; NULL where
-- one has no value that could be said. A colon that a variable says is escaped, so that it divides no resource name.
-- The text is one that tenure.condition_reads has let through.
CREATE OR REPLACE FUNCTION tenure.condition_text(
  operand text, has_wildcards boolean, at timestamptz, identity jsonb, resource jsonb
) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  pattern text := '';
  token text;
  inside text;
  found jsonb;
  said text;
BEGIN
  FOR token IN SELECT m[1] FROM regexp_matches(operand, '\$\{[^}]*\}|[^$]+|\$', 'g') AS m LOOP
    IF token NOT LIKE '${%' THEN
      said := CASE WHEN has_wildcards THEN tenure.like_pattern(token) ELSE regexp_replace(token, '([\\%_])', '\\\1', 'g') END;
    ELSIF token IN ('${*}', '${?}', '${$}') THEN
      said := substr(token, 3, 1);
    ELSE
      inside := substr(token, 3, length(token) - 3);
      found := tenure.condition_values(rtrim(split_part(inside, ',', 1), ' '), at, identity, resource);
      IF jsonb_typeof(found) = 'array' AND jsonb_array_length(found) = 1 THEN
        said := tenure.condition_value(found -> 0);
      ELSE
        said := CASE jsonb_typeof(found) WHEN 'array' THEN substring(inside from ', *''(.*)''$') END;
      END IF;
      said := regexp_replace(said, '([\\%_:])', '\\\1', 'g');
    END IF;
    IF said IS NULL THEN RETURN NULL; END IF;
    pattern := pattern || said;
  END LOOP;
  RETURN pattern;
END
$$;
