-- Whether an assignment's end is recorded already: one entry for each assignment.expired, and none for other events.
CREATE INDEX event_of_expiry ON tenure.event (tenant_id, entity, effective_at) WHERE type = 'assignment.expired';
