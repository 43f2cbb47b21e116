-- A JSON value as the text that conditions compare: a string as it is, an integer or boolean as JSON writes it; else NULL.
-- Integers are those that every JSON implementation keeps exactly, below 2^53.
CREATE OR REPLACE FUNCTION tenure.condition_value(value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN value #>> '{}'
    WHEN 'boolean' THEN value #>> '{}'
    WHEN 'number' THEN
      CASE WHEN abs(value::numeric) < 9007199254740992 AND value::numeric = trunc(value::numeric) THEN value::int8::text END
  END;
END
$$;
