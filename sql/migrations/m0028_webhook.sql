-- Who is told of events, and how. Configuration and not events: it says nothing of who had access, an address may carry a token
-- and the secret is one, and what stands in the log is read by auditors and can never be taken away again.
CREATE TABLE tenure.webhook (
  tenant_id     int NOT NULL REFERENCES tenure.tenant,
  webhook_id    text COLLATE "C" NOT NULL,
  url           text NOT NULL,
  types         text[] NOT NULL CHECK (cardinality(types) > 0),   -- patterns of event types
  secret        bytea CHECK (octet_length(secret) = 32),   -- signs what is sent; taken away with the webhook's end
  since         int8 NOT NULL CHECK (since >= 0),   -- told of what was recorded after this position
  made_through  int8 NOT NULL,   -- deliveries are made of all matching events up to this position
  troubles      int NOT NULL DEFAULT 0,   -- attempts in a row that showed that the receiver is not well
  resting_until timestamptz,   -- nothing is sent before; NULL: it is well
  created_at    timestamptz NOT NULL,
  ended_at      timestamptz,
  ended_because text COLLATE "C" CHECK (ended_because IN ('asked', 'gone')),   -- gone: the receiver said so (410)
  PRIMARY KEY (tenant_id, webhook_id),
  CHECK (made_through >= since),
  CHECK ((ended_at IS NULL) = (secret IS NOT NULL)),
  CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
-- What has ended stays so.
CREATE TRIGGER webhook_end_is_final BEFORE UPDATE ON tenure.webhook
  FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION tenure.refuse_change();
