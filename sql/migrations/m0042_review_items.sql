-- What has become of the items of reviews that something has become of, step by step; read as tenure.identities.
CREATE TABLE tenure.review_items (
  tenant_id       int NOT NULL,
  review          text COLLATE "C" NOT NULL,
  item            text COLLATE "C" NOT NULL,   -- assignment:ID, or membership:GROUP KIND:ID
  step            text COLLATE "C",
  decision        text COLLATE "C",   -- keep, revoke or reduce; NULL: none yet
  decided_by      text COLLATE "C",
  outcome         text COLLATE "C",   -- of its execution: done, gone or failed; NULL: not executed
  item_state      jsonb,
  effective_at    timestamptz NOT NULL,
  position        int8 NOT NULL,   -- of the event that made the entry
  source          text COLLATE "C" NOT NULL,   -- of that event
  due_at          timestamptz,   -- of a loss: when it should have taken effect
  begins          boolean NOT NULL,   -- false: the entry ends the fact
  valid           tstzrange NOT NULL,   -- until the next entry or the own end; empty where nothing holds
  recorded_from   int8 NOT NULL,   -- last position of the batch that wrote the row
  recorded_to     int8,   -- last position of the batch that closed it; NULL: current
  voided          boolean NOT NULL DEFAULT false,   -- closed because the event was voided
  PRIMARY KEY (tenant_id, review, item, position, recorded_from)
) WITH (
  fillfactor = 90,   -- a row is closed in place once in its life: with room in its page no index is touched
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
