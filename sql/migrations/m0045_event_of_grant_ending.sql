-- What is said of the end of a grant: that it has come, or what became of it; of a membership by its member, for thousands of one
-- group may end together.
CREATE INDEX event_of_grant_ending ON tenure.event (
  tenant_id, entity, (body::jsonb #>> '{data,member}') COLLATE "C", effective_at
) WHERE type IN ('assignment.expired', 'membership.expired', 'fulfilment.confirmed');
DROP INDEX tenure.event_of_ending;
