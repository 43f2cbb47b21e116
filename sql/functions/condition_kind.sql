-- The kind of the values that a key of a condition has: text, number, instant, address, boolean, or any (an attribute);
-- NULL where there is no such key.
CREATE OR REPLACE FUNCTION tenure.condition_kind(key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  origin text := split_part(key, '.', 1);
  name text := substr(key, length(origin) + 2);
BEGIN
  RETURN CASE
    WHEN name = '' THEN NULL
    WHEN origin = 'identity' THEN CASE WHEN name IN ('id', 'kind') THEN 'text' ELSE 'any' END
    WHEN origin = 'resource' THEN CASE WHEN name = 'path' THEN 'text' ELSE 'any' END
    WHEN origin = 'time' AND (position('@' in name) = 0 OR tenure.condition_zone(substr(name, position('@' in name) + 1)))
      THEN CASE
        WHEN split_part(name, '@', 1) IN ('hour', 'minute', 'weekday', 'day', 'month', 'year') THEN 'number'
        WHEN split_part(name, '@', 1) = 'now' THEN 'instant'
        WHEN split_part(name, '@', 1) = 'date' THEN 'text'
      END
    WHEN origin = 'request' THEN CASE
        WHEN name IN (
          'user_agent', 'network', 'device', 'session', 'credential', 'region', 'purpose', 'ticket') THEN 'text'
        WHEN name IN ('mfa', 'device_managed') THEN 'boolean'
        WHEN name = 'mfa_age_seconds' THEN 'number'
        WHEN name = 'ip' THEN 'address'
        WHEN name LIKE 'attribute._%' THEN 'any'
      END
  END;
END
$$;
