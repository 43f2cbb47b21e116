-- Makes the partition for a day of usage, with the owner's right: the service has none to make tables. It does so only for days
-- that the tenant keeps, and an hour ahead of the present. The present is the service's word, as everywhere; whatever it says,
-- there are never more partitions than ten years have days. Returns whether it made one.
-- A month that ended a month ago and of which there is no day is made whole: what comes so late is an import of years, to which
-- each partition would cost more than its rows, and eight locks of every statement that looks at it.
CREATE OR REPLACE FUNCTION tenure.make_usage_day(tenant int, day date, present timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  name text := 'usage_' || to_char(day, 'YYYYMMDD');
  month text := 'usage_' || to_char(day, 'YYYYMM');
  first date := day;
  next date := day + 1;
  first_of_next_month date := date_trunc('month', day::timestamp) + interval '1 month';
  kept int := (SELECT w.kept_days FROM tenure.usage_window w WHERE w.tenant_id = tenant);
BEGIN
  IF tenure.usage_table(day) IS NOT NULL THEN RETURN false; END IF;
  IF kept IS NULL OR day < present::date - kept OR day > (present + interval '1 hour')::date THEN
    RAISE EXCEPTION 'no usage of % is kept at %', day, present USING ERRCODE = 'TN004';
  END IF;
  IF (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = 'tenure.usage'::regclass) >= 3660 THEN
    RAISE EXCEPTION 'usage is kept of too many days' USING ERRCODE = '54000';
  END IF;
  -- One at a time makes a day; the second finds it, in the table itself: what to_regclass remembers is older than the lock.
  PERFORM pg_advisory_xact_lock(0, tenure.job_lock('usage partitions'));
  IF EXISTS (
    SELECT FROM pg_class c WHERE c.relname IN (name, month) AND c.relnamespace = 'tenure'::regnamespace) THEN
    RETURN false;
  END IF;
  IF first_of_next_month <= present::date - 31 AND NOT EXISTS (
    SELECT FROM pg_class c WHERE c.relnamespace = 'tenure'::regnamespace AND c.relkind = 'r'
      AND c.relname BETWEEN month || '00' AND month || '99') THEN
    name := month;
    first := date_trunc('month', day::timestamp);
    next := first_of_next_month;
  END IF;
  -- Attached and not made in place: so readers and writers of the other days go on.
  EXECUTE format(
    'CREATE TABLE tenure.%I (LIKE tenure.usage INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)', name);
  EXECUTE format(
    'ALTER TABLE tenure.usage ATTACH PARTITION tenure.%I FOR VALUES FROM (%L) TO (%L)', name,
    first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC');
  RETURN true;
END
$$;
