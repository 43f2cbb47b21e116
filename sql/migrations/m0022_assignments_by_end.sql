-- Assignments by their own end: finds those that have come to it without reading the others. None of its columns ever changes,
-- so that closing a row touches no index.
CREATE INDEX assignments_by_end ON tenure.assignments (tenant_id, expires_at, position, recorded_from)
  WHERE expires_at IS NOT NULL;
