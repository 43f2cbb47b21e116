-- What takes assignments away other than their own end, by when it did: one entry for each such event, and none for others.
CREATE INDEX event_of_loss ON tenure.event (tenant_id, effective_at, position)
  WHERE type IN ('assignment.revoked', 'group.deleted', 'identity.retired', 'role.retired');
