-- Access reviews: what is reviewed and what has become of the review, step by step; read as tenure.identities.
-- The population is not copied: it is derived again from the grants as they were known at the position that stands in review.
CREATE TABLE tenure.reviews (
  tenant_id       int NOT NULL,
  id              text COLLATE "C" NOT NULL,
  step            text COLLATE "C",
  state           text COLLATE "C",
  deadline        timestamptz,   -- from then on nothing can be decided
  policy          text COLLATE "C",   -- the policy that asks for it; NULL: none
  review          jsonb,
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
