-- The partition that holds a day of usage: the day's own, or that of its month; NULL where there is none. Days are of UTC.
-- It replaces usage_day_table, which knew no months.
DROP FUNCTION IF EXISTS tenure.usage_day_table(date);
CREATE OR REPLACE FUNCTION tenure.usage_table(day date) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(
    to_regclass('tenure.usage_' || to_char(day, 'YYYYMMDD')), to_regclass('tenure.usage_' || to_char(day, 'YYYYMM')))
$$;
