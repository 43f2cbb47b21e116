-- The roll-up of usage, kept for good: what an identity did with what on which day. True of the days without a mark.
CREATE TABLE tenure.usage_daily (
  tenant_id       int NOT NULL,
  identity        text COLLATE "C" NOT NULL,
  action          text COLLATE "C" NOT NULL,
  resource        text COLLATE "C" NOT NULL,   -- '': the source names none
  day             date NOT NULL,   -- in UTC
  uses            int8 NOT NULL CHECK (uses > 0),
  denied          int8 NOT NULL,
  failed          int8 NOT NULL,   -- permitted, and went wrong
  first_used      timestamptz NOT NULL,
  last_used       timestamptz NOT NULL,
  first_permitted timestamptz,   -- of those not denied; NULL: all were
  last_permitted  timestamptz,
  PRIMARY KEY (tenant_id, identity, action, resource, day)
);
CREATE INDEX usage_daily_by_day ON tenure.usage_daily (tenant_id, day);
CREATE INDEX usage_daily_by_action ON tenure.usage_daily (tenant_id, action, day);
CREATE INDEX usage_daily_by_resource ON tenure.usage_daily (tenant_id, resource, day) WHERE resource <> '';
-- Days with rows that the roll-up has not: each batch adds a mark for each of its days, in its own transaction; who rolls a day
-- up takes the marks away that he saw, together with all their rows. So no batch waits for another, and none is missed.
CREATE TABLE tenure.usage_mark (
  tenant_id int NOT NULL,
  day       date NOT NULL,
  mark      int8 GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (tenant_id, day, mark)
);
