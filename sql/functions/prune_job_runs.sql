-- Takes away runs of a job that began before an instant, the oldest of them first, with the owner's right: the service may
-- delete none. Never one from the last that succeeded on, for the next goes on from there, nor one of the last month, whatever
-- the caller's clock says. At most so many; returns how many.
CREATE OR REPLACE FUNCTION tenure.prune_job_runs(tenant int, job_name text, before timestamptz, most int8) RETURNS int8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH oldest AS MATERIALIZED (
    SELECT r.run, r.started_at FROM tenure.job_run r
    WHERE r.tenant_id = tenant AND r.job = job_name ORDER BY r.run LIMIT most
  ), gone AS (
    DELETE FROM tenure.job_run r USING oldest o
    WHERE r.tenant_id = tenant AND r.job = job_name AND r.run = o.run
      AND o.started_at < least(before, now() - interval '30 days')
      AND r.run < (
        SELECT s.run FROM tenure.job_run s
        WHERE s.tenant_id = tenant AND s.job = job_name AND s.outcome = 'succeeded' ORDER BY s.run DESC LIMIT 1)
    RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
