-- The second key of a job's advisory lock; the first is the tenant's number, or 0 for the scheduler itself.
-- Whoever runs a job holds its lock on the session that records the run: a run without an end whose lock is free is lost.
-- 28 bits, so that it is never negative and compares with what pg_locks shows.
CREATE OR REPLACE FUNCTION tenure.job_lock(job text) RETURNS int
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT ('x' || left(md5(job), 7))::bit(28)::int
$$;
