-- Evidence that identities exercised actions, as sources told it: one row each, for the days that are kept. High volume, so not
-- events. One partition a day, made by tenure.make_usage_day and dropped whole; the roll-up in tenure.usage_daily stays.
CREATE TABLE tenure.usage (
  tenant_id     int NOT NULL,
  used_at       timestamptz NOT NULL,
  key           uuid NOT NULL,               -- of tenure.usage_key
  source        text COLLATE "C" NOT NULL,   -- which system told it
  id            text COLLATE "C" NOT NULL,   -- what that source calls it
  identity      text COLLATE "C" NOT NULL,
  action        text COLLATE "C" NOT NULL,   -- as permissions name it
  source_action text COLLATE "C",            -- as the source names it
  resource      text COLLATE "C",            -- NULL: the source names none
  session       text COLLATE "C",
  credential    text COLLATE "C",
  address       text COLLATE "C",            -- of the caller; not always an IP address
  agent         text COLLATE "C",
  outcome       text COLLATE "C" NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
  error_code    text COLLATE "C",
  recorded_at   timestamptz NOT NULL,        -- when it was learnt
  PRIMARY KEY (tenant_id, used_at, key)
) PARTITION BY RANGE (used_at);
CREATE INDEX usage_by_identity ON tenure.usage (tenant_id, identity, used_at);
CREATE INDEX usage_by_action ON tenure.usage (tenant_id, action, used_at);
CREATE INDEX usage_by_resource ON tenure.usage (tenant_id, resource, used_at) WHERE resource IS NOT NULL;
CREATE INDEX usage_by_address ON tenure.usage (tenant_id, address, used_at) WHERE address IS NOT NULL;
CREATE INDEX usage_by_credential ON tenure.usage (tenant_id, credential, used_at) WHERE credential IS NOT NULL;
CREATE INDEX usage_by_session ON tenure.usage (tenant_id, session, used_at) WHERE session IS NOT NULL;
