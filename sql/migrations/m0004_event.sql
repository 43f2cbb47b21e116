-- The log. `body` is the event as canonical JSON and the truth; the columns beside it are extracted for the indexes.
-- No foreign key to tenant: the head row, compared and set by each append, has one.
CREATE TABLE tenure.event (
  tenant_id    int NOT NULL,
  position     int8 NOT NULL CHECK (position > 0),
  event_id     uuid NOT NULL,
  type         text COLLATE "C" NOT NULL,
  version      int NOT NULL,
  entity       text COLLATE "C" NOT NULL,   -- kind:id
  effective_at timestamptz NOT NULL,
  due_at       timestamptz,                 -- of a loss: when it should have taken effect
  recorded_at  timestamptz NOT NULL,
  source       text COLLATE "C" NOT NULL,
  basis        text COLLATE "C" NOT NULL,
  actor        text COLLATE "C",            -- NULL: not recorded
  recorded_by  text COLLATE "C" NOT NULL,
  ticket       text COLLATE "C",            -- system:key
  command_id   text COLLATE "C",
  body         text COLLATE "C" NOT NULL,
  leaf         bytea NOT NULL CHECK (octet_length(leaf) = 32),   -- SHA-256(0x00 || body)
  PRIMARY KEY (tenant_id, position)
) WITH (
  -- An append-only table never reaches the usual share of dead rows, so its statistics and visibility map would rot.
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000
);
CREATE INDEX event_by_type ON tenure.event (tenant_id, type, position);
-- Of other versions than the first there is none so far; whoever loads a graph asks first whether it can read all there are.
CREATE INDEX event_by_version ON tenure.event (tenant_id, type, version, position) WHERE version <> 1;
CREATE INDEX event_by_entity ON tenure.event (tenant_id, entity, position);
CREATE INDEX event_by_actor ON tenure.event (tenant_id, actor, position) WHERE actor IS NOT NULL;
CREATE INDEX event_by_recorder ON tenure.event (tenant_id, recorded_by, position);
CREATE INDEX event_by_ticket ON tenure.event (tenant_id, ticket, position) WHERE ticket IS NOT NULL;
CREATE INDEX event_by_source ON tenure.event (tenant_id, source, position);
CREATE INDEX event_by_effective_at ON tenure.event (tenant_id, effective_at, position);
-- None by recorded_at, which goes with the position: see tenure.position_recorded_by.

CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON tenure.event
  FOR EACH ROW EXECUTE FUNCTION tenure.refuse_change();
CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON tenure.event
  FOR EACH STATEMENT EXECUTE FUNCTION tenure.refuse_change();
-- ALWAYS: session_replication_role does not turn them off.
ALTER TABLE tenure.event ENABLE ALWAYS TRIGGER event_is_append_only;
ALTER TABLE tenure.event ENABLE ALWAYS TRIGGER event_is_not_truncated;
