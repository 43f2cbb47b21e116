-- Takes away the rows of a day of usage, with the owner's right: the service may neither drop nor delete them. Only of tenants
-- that have closed the day, so that its roll-up is final. The day's partition goes as soon as everybody in it has; where a tenant
-- is left that keeps the day longer, the asking one's rows go alone. Of a month's partition the asking one's rows go, and it goes
-- with the last row. Returns what it did: dropped, deleted or left.
CREATE OR REPLACE FUNCTION tenure.drop_usage_day(tenant int, day date, present timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  name text;
  other record;
  keeps boolean;
  holds boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM tenure.usage_closed_day c WHERE c.tenant_id = tenant AND c.day = drop_usage_day.day) THEN
    RAISE EXCEPTION 'usage of % is not closed', day USING ERRCODE = 'TN004';
  END IF;
  PERFORM pg_advisory_xact_lock(0, tenure.job_lock('usage partitions'));
  SELECT c.relname INTO name FROM pg_class c
  WHERE c.relname IN ('usage_' || to_char(day, 'YYYYMMDD'), 'usage_' || to_char(day, 'YYYYMM'))
    AND c.relnamespace = 'tenure'::regnamespace;
  IF name IS NULL THEN RETURN 'left'; END IF;
  IF name = 'usage_' || to_char(day, 'YYYYMM') THEN
    EXECUTE format('DELETE FROM tenure.%I WHERE tenant_id = $1 AND used_at >= $2 AND used_at < $3', name)
      USING tenant, day::timestamptz, (day + 1)::timestamptz;
  END IF;
  -- Looked at twice: the second time nobody is writing, so that no batch's rows go which the first look could not see.
  FOR look IN 1..2 LOOP
    keeps := false;
    IF name = 'usage_' || to_char(day, 'YYYYMM') THEN
      EXECUTE format('SELECT EXISTS (SELECT FROM tenure.%I)', name) INTO keeps;
      IF keeps THEN RETURN 'deleted'; END IF;
    ELSE
      FOR other IN
        SELECT w.tenant_id, day >= present::date - w.kept_days AS keeps FROM tenure.usage_window w
        WHERE NOT EXISTS (
          SELECT FROM tenure.usage_closed_day c WHERE c.tenant_id = w.tenant_id AND c.day = drop_usage_day.day)
      LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM tenure.%I WHERE tenant_id = $1)', name) INTO holds USING other.tenant_id;
        IF NOT holds THEN CONTINUE; END IF;
        IF NOT other.keeps THEN RETURN 'left'; END IF;   -- its own run comes
        keeps := true;
      END LOOP;
      IF keeps THEN
        EXECUTE format('DELETE FROM tenure.%I WHERE tenant_id = $1', name) USING tenant;
        RETURN 'deleted';
      END IF;
    END IF;
    IF look = 1 THEN LOCK TABLE ONLY tenure.usage IN ACCESS EXCLUSIVE MODE; END IF;
  END LOOP;
  EXECUTE format('DROP TABLE tenure.%I', name);
  RETURN 'dropped';
END
$$;
