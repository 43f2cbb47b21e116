-- What took away whatever somebody had, or whoever was there, by when it did: the end of a group, an identity or a role.
CREATE INDEX event_of_shared_loss ON tenure.event (tenant_id, effective_at, position)
  WHERE type IN ('group.deleted', 'identity.retired', 'role.retired');
DROP INDEX tenure.event_of_any_loss;
