-- Personal values and their salts, apart from the log, which carries only SHA-256(salt || value): deleting a row here
-- erases the value, and the log's digests still hold.
CREATE TABLE tenure.personal (
  tenant_id int NOT NULL,
  digest    text COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  position  int8 NOT NULL,               -- of the event that carries the digest
  entity    text COLLATE "C" NOT NULL,   -- kind:id
  attribute text COLLATE "C" NOT NULL,
  salt      bytea NOT NULL,
  value     text COLLATE "C" NOT NULL,   -- canonical JSON
  PRIMARY KEY (tenant_id, position, entity, attribute)
);
CREATE INDEX personal_by_entity ON tenure.personal (tenant_id, entity);
CREATE INDEX personal_by_digest ON tenure.personal (tenant_id, digest);
