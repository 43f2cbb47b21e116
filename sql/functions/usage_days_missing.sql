-- Those of some days that have no partition for usage yet; days are given by their first instant, in UTC.
CREATE OR REPLACE FUNCTION tenure.usage_days_missing(days timestamptz[]) RETURNS SETOF timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT d FROM unnest(days) AS d WHERE tenure.usage_table((d AT TIME ZONE 'UTC')::date) IS NULL ORDER BY d
$$;
