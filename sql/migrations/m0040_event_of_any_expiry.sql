-- Whether a grant's end is recorded already: one entry for each event that records one, of an assignment or a membership.
CREATE INDEX event_of_any_expiry ON tenure.event (tenant_id, entity, effective_at)
  WHERE type IN ('assignment.expired', 'membership.expired');
DROP INDEX tenure.event_of_expiry;
