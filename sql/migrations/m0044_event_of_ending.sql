-- What is said of the end of a grant: that it has come, or what became of it. One entry for each event that says either.
CREATE INDEX event_of_ending ON tenure.event (tenant_id, entity, effective_at)
  WHERE type IN ('assignment.expired', 'membership.expired', 'fulfilment.confirmed');
DROP INDEX tenure.event_of_any_expiry;
