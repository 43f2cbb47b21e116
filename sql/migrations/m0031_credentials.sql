-- Credentials, sessions among them: as whom each acts, who obtained it and under what; read as tenure.identities.
-- A row holds from issue to revocation; what has run out follows from credential_expires_at, for it can still be revoked or
-- prolonged. Ends that have ended do not end it: what outlives its grant is good in the system concerned.
CREATE TABLE tenure.credentials (
  tenant_id       int NOT NULL,
  id              text COLLATE "C" NOT NULL,
  kind            text COLLATE "C",
  identity        text COLLATE "C",   -- as whom it acts
  holder          text COLLATE "C",   -- who obtained it; NULL: not known
  grant_id        text COLLATE "C",   -- the assignment that it was obtained under
  parent          text COLLATE "C",   -- the credential that it was obtained with
  credential_expires_at timestamptz,   -- the first instant at which it is no longer good; NULL: no end
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
