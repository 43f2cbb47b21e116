-- What took one assignment or one membership away, by when and from whom: pages go on within an instant at which thousands went.
CREATE INDEX event_of_taking ON tenure.event (
  tenant_id, effective_at, entity, coalesce(body::jsonb #>> '{data,member}', '') COLLATE "C"
) WHERE type IN ('assignment.revoked', 'membership.removed');
