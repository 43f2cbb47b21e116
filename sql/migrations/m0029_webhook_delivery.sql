-- What each webhook is told: one row for each event that matches, made before it is first sent and kept, for it is the evidence
-- that the system concerned was told, and when.
CREATE TABLE tenure.webhook_delivery (
  tenant_id        int NOT NULL,
  webhook_id       text COLLATE "C" NOT NULL,
  position         int8 NOT NULL,   -- of the event
  state            text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  made_at          timestamptz NOT NULL,
  attempts         int NOT NULL DEFAULT 0,   -- since it was made, or asked for again by hand
  first_attempt_at timestamptz,   -- of those
  last_attempt_at  timestamptz,   -- when it was last sent; of one that was delivered: when it was
  next_attempt_at  timestamptz,   -- not before; NULL where there is none to come
  last_status      int,   -- of the last answer; NULL: there was none
  last_error       text,   -- why the last attempt failed
  PRIMARY KEY (tenant_id, webhook_id, position),
  FOREIGN KEY (tenant_id, webhook_id) REFERENCES tenure.webhook,
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CHECK (state <> 'delivered' OR last_status BETWEEN 200 AND 299)
) WITH (fillfactor = 80);   -- a row is changed at every attempt
-- What is due.
CREATE INDEX webhook_delivery_due ON tenure.webhook_delivery (tenant_id, webhook_id, next_attempt_at, position)
  WHERE state = 'pending';
-- What was given up.
CREATE INDEX webhook_delivery_dead ON tenure.webhook_delivery (tenant_id, webhook_id, position) WHERE state = 'dead';
