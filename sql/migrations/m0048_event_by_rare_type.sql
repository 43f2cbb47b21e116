-- Events by type, of all but those that nearly every log is made of: of these a page is soon found walking the positions, and
-- where a log has few of them, the BRIN index below says where. As it does for those of one actor. What an append writes into
-- B-trees is most of its time.
CREATE INDEX event_by_rare_type ON tenure.event (tenant_id, type, position) WHERE type NOT IN (
  'membership.added', 'membership.removed', 'assignment.granted', 'assignment.revoked', 'identity.registered');
CREATE INDEX event_by_block ON tenure.event USING brin (
  tenant_id int4_bloom_ops (n_distinct_per_range = 16), type text_bloom_ops (n_distinct_per_range = 16),
  source text_bloom_ops (n_distinct_per_range = 16), actor text_bloom_ops (n_distinct_per_range = 256),
  recorded_by text_bloom_ops (n_distinct_per_range = 64), effective_at timestamptz_minmax_multi_ops,
  (substr(ticket, strpos(ticket, ':') + 1)) text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.001)
);
DROP INDEX tenure.event_by_type, tenure.event_by_actor, tenure.event_by_circumstance;
