-- Every run of a job for a tenant, numbered 1, 2, 3, … for each job. What came of it is written once; see tenure.job_lock.
CREATE TABLE tenure.job_run (
  tenant_id     int NOT NULL REFERENCES tenure.tenant,
  job           text COLLATE "C" NOT NULL,
  run           int8 NOT NULL CHECK (run > 0),
  scheduled_for timestamptz NOT NULL,      -- since when it was due; of a run that was asked for: when it was
  started_at    timestamptz NOT NULL,
  process       text COLLATE "C" NOT NULL, -- the process that ran it, as host/pid
  ended_at      timestamptz,               -- NULL: it has not ended, or its process died
  outcome       text COLLATE "C",          -- NULL: not ended, or lost and not yet marked so
  counts        jsonb,                     -- of one that succeeded: what it did, numbers by name
  reached       jsonb,                     -- of one that succeeded: where the next goes on, if the job keeps that
  position      int8,                      -- of the log's head when it ended
  error         text,                      -- of one that failed: why
  PRIMARY KEY (tenant_id, job, run),
  CHECK (outcome IN ('succeeded', 'failed', 'lost')),
  CHECK ((ended_at IS NULL) = (outcome IS NULL OR outcome = 'lost'))
) WITH (fillfactor = 90);   -- a row is changed once, when the run has ended: with room in its page no index is touched
CREATE TRIGGER job_run_is_final BEFORE UPDATE ON tenure.job_run
  FOR EACH ROW WHEN (OLD.outcome IS NOT NULL) EXECUTE FUNCTION tenure.refuse_change();
