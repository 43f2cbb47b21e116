-- Filters of the log that need no entry in an index for each event. Those of one ticket, or that took effect together, were
-- mostly recorded together; those of one source or recorder were too, or they are many, and then walking the positions soon
-- finds a page of them. One BRIN index says for each 128 pages of the table whether to look there, about 2 KB each. A filter
-- costs a millisecond for a million events, and looking through what came since the last vacuum, at most 50,000 events.
-- The B-trees took a sixth of an append's time, and that of tickets served no question: both forms of a ticket are asked for.
CREATE INDEX event_by_circumstance ON tenure.event USING brin (
  tenant_id int4_bloom_ops (n_distinct_per_range = 16), source text_bloom_ops (n_distinct_per_range = 16),
  recorded_by text_bloom_ops (n_distinct_per_range = 64), effective_at timestamptz_minmax_multi_ops,
  (substr(ticket, strpos(ticket, ':') + 1)) text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001)
);
DROP INDEX tenure.event_by_source, tenure.event_by_recorder, tenure.event_by_effective_at, tenure.event_by_ticket;
