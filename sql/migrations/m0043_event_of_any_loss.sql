-- What takes assignments and memberships away other than their own end, by when it did: one entry for each such event, and none
-- for others.
CREATE INDEX event_of_any_loss ON tenure.event (tenant_id, effective_at, position)
  WHERE type IN ('assignment.revoked', 'membership.removed', 'group.deleted', 'identity.retired', 'role.retired');
DROP INDEX tenure.event_of_loss;
