-- How long a tenant keeps what sources told of usage. Batches hold the row while they write, and whoever closes a day waits for
-- them.
CREATE TABLE tenure.usage_window (
  tenant_id int PRIMARY KEY REFERENCES tenure.tenant,
  kept_days int NOT NULL CHECK (kept_days BETWEEN 1 AND 3653)   -- ten years: a partition each
);
-- Days whose rows were dropped: their roll-up is final, and what comes later for them is refused.
CREATE TABLE tenure.usage_closed_day (
  tenant_id int NOT NULL REFERENCES tenure.tenant,
  day       date NOT NULL,
  PRIMARY KEY (tenant_id, day)
);
