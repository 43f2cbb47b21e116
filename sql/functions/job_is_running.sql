-- Whether some process runs a tenant's job now.
CREATE OR REPLACE FUNCTION tenure.job_is_running(tenant int, job text) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
  SELECT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2   -- 2: a lock of two keys
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.classid::int8 = tenant AND l.objid::int8 = tenure.job_lock(job))
$$;
