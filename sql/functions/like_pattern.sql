-- A pattern as LIKE reads it: * is %, ? is _, and \ escapes what LIKE would read otherwise.
CREATE OR REPLACE FUNCTION tenure.like_pattern(pattern text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN translate(regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*?', '%_');
END
$$;
