-- The partition that holds a day of usage, whether it is there or not; days are of UTC.
CREATE OR REPLACE FUNCTION tenure.usage_day_table(day date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT 'usage_' || to_char(day, 'YYYYMMDD')
$$;
