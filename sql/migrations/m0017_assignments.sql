-- Who has which role where; read as tenure.identities.
-- The values are those that hold after the entry, so they stand in an extension's row too, and are NULL where nothing holds.
CREATE TABLE tenure.assignments (
  tenant_id       int NOT NULL,
  id              text COLLATE "C" NOT NULL,
  principal_kind  text COLLATE "C",   -- identity or group
  principal       text COLLATE "C",
  role_id         text COLLATE "C",
  scope           text COLLATE "C",
  condition       text COLLATE "C",   -- canonical JSON; cast to jsonb to look inside
  expires_at      timestamptz,   -- the end that the entry carries of its own
  effective_at    timestamptz NOT NULL,
  position        int8 NOT NULL,   -- of the event that made the entry
  source          text COLLATE "C" NOT NULL,   -- of that event
  due_at          timestamptz,   -- of a loss: when it should have taken effect
  begins          boolean NOT NULL,   -- false: the entry ends the fact, or extends it
  extends         boolean NOT NULL,   -- the entry moves the end
  valid           tstzrange NOT NULL,   -- until the next entry or the own end; empty where nothing holds
  begun_effective timestamptz,   -- place in the fold of the grant, for an extension too
  begun_position  int8,
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
CREATE INDEX assignments_by_principal ON tenure.assignments (tenant_id, principal, principal_kind);
CREATE INDEX assignments_by_scope ON tenure.assignments (tenant_id, scope);
CREATE INDEX assignments_by_role ON tenure.assignments (tenant_id, role_id);
