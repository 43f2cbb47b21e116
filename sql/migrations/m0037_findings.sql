-- Findings: what a rule or a job flagged, one row for each time that it was raised or resolved; read as tenure.identities.
-- An open one is there: `valid` of the row that raised it last contains t. The row that resolves it says nothing but when.
-- It is accepted while a row of tenure.finding_acceptances holds that began since.
CREATE TABLE tenure.findings (
  tenant_id       int NOT NULL,
  id              text COLLATE "C" NOT NULL,   -- begins with the rule and a colon
  rule            text COLLATE "C",
  subject_kind    text COLLATE "C",
  subject         text COLLATE "C",
  severity        text COLLATE "C",
  owner           text COLLATE "C",   -- the identity whose it is to mend; NULL: nobody is known
  evidence        jsonb,
  fix             jsonb,   -- words, or a command
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
-- What is found about one entity, and what one owner has to mend.
CREATE INDEX findings_by_subject ON tenure.findings (tenant_id, subject, subject_kind);
CREATE INDEX findings_by_owner ON tenure.findings (tenant_id, owner);
