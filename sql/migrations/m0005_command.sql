-- The idempotency keys of accepted commands, kept for ever: the same key with the same body has the same answer.
CREATE TABLE tenure.command (
  tenant_id       int NOT NULL,
  command_id      text COLLATE "C" NOT NULL,
  digest          bytea NOT NULL,   -- of the body that came with the key, without its personal values
  personal_digest bytea,            -- salted, with its personal values; NULL where there were none
  first_position  int8 NOT NULL,
  last_position   int8 NOT NULL,
  PRIMARY KEY (tenant_id, command_id),
  CHECK (first_position <= last_position)
) WITH (
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE TRIGGER command_is_append_only BEFORE UPDATE OR DELETE ON tenure.command
  FOR EACH ROW EXECUTE FUNCTION tenure.refuse_change();
CREATE TRIGGER command_is_not_truncated BEFORE TRUNCATE ON tenure.command
  FOR EACH STATEMENT EXECUTE FUNCTION tenure.refuse_change();
ALTER TABLE tenure.command ENABLE ALWAYS TRIGGER command_is_append_only;
ALTER TABLE tenure.command ENABLE ALWAYS TRIGGER command_is_not_truncated;
