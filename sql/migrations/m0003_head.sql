-- One row a tenant: where its log ends. Whoever appends compares and sets it, so that positions have no gaps and
-- commit in their order; see tenure.advance_head.
CREATE TABLE tenure.head (
  tenant_id   int PRIMARY KEY REFERENCES tenure.tenant,
  position    int8 NOT NULL DEFAULT 0,   -- of the last event; 0 before the first
  recorded_at timestamptz,               -- of the last event; NULL before the first
  epoch       int8 NOT NULL DEFAULT 0,   -- raised so that an attempt whose COMMIT was lost can no longer pass
  generation  int8 NOT NULL DEFAULT 0    -- raised by a rebuild that found differences: nodes then load anew
) WITH (fillfactor = 50);                -- changed by every append: leave room for its next versions in the page
