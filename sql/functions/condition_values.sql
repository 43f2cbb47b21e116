-- What is known of a key of a condition: a list of its values, empty where it is absent; an object where it is there and cannot
-- be read, as a sealed attribute; NULL where it is not given with the question, as everything of a request.
CREATE OR REPLACE FUNCTION tenure.condition_values(key text, at timestamptz, identity jsonb, resource jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  origin text := split_part(key, '.', 1);
  name text := substr(key, length(origin) + 2);
  zone text := coalesce(nullif(split_part(name, '@', 2), ''), 'UTC');
  clock timestamp;
  value jsonb;
BEGIN
  IF origin = 'identity' AND identity IS NOT NULL THEN
    value := identity -> name;
  ELSIF origin = 'resource' AND resource IS NOT NULL THEN
    value := resource -> name;
  ELSIF origin = 'time' AND at >= '0001-01-01 00:00Z' AND at < '10000-01-01 00:00Z' THEN
    name := split_part(name, '@', 1);
    clock := at AT TIME ZONE zone;
    value := CASE name
      WHEN 'now' THEN to_jsonb(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
      WHEN 'date' THEN to_jsonb(to_char(clock, 'YYYY-MM-DD'))
      WHEN 'weekday' THEN to_jsonb(date_part('isodow', clock)::int)
      ELSE to_jsonb(date_part(name, clock)::int)
    END;
  ELSE
    RETURN NULL;
  END IF;
  RETURN CASE coalesce(jsonb_typeof(value), 'null')
    WHEN 'null' THEN '[]'
    WHEN 'array' THEN value
    WHEN 'object' THEN value
    ELSE '[]' || value
  END;
END
$$;
