-- Identities: one row for each entry of the log, and each time that its stretch was learnt anew.
-- Every relation table is read alike: as known at k, the rows with recorded_from <= k and (recorded_to is null or > k);
-- of those, at t, the row whose `valid` contains t. A fact holds at t if the entities at its ends have existed without a
-- break since before the fact began: (since_effective, since_position) <= its (effective_at, position).
CREATE TABLE tenure.identities (
  tenant_id       int NOT NULL,
  id              text COLLATE "C" NOT NULL,
  kind            text COLLATE "C",
  effective_at    timestamptz NOT NULL,
  position        int8 NOT NULL,   -- of the event that made the entry
  source          text COLLATE "C" NOT NULL,   -- of that event
  due_at          timestamptz,   -- of a loss: when it should have taken effect
  begins          boolean NOT NULL,   -- false: the entry ends the fact
  valid           tstzrange NOT NULL,   -- until the next entry or the own end; empty where nothing holds
  since_effective timestamptz,   -- place in the fold where the unbroken existence began
  since_position  int8,
  recorded_from   int8 NOT NULL,   -- last position of the batch that wrote the row
  recorded_to     int8,   -- last position of the batch that closed it; NULL: current
  voided          boolean NOT NULL DEFAULT false,   -- closed because the event was voided
  PRIMARY KEY (tenant_id, id, position, recorded_from)
) WITH (
  fillfactor = 90,   -- a row is closed in place once in its life: with room in its page no index is touched
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
