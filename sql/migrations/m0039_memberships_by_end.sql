-- Memberships by their own end, as tenure.assignments_by_end.
CREATE INDEX memberships_by_end ON tenure.memberships (tenant_id, expires_at, position, recorded_from)
  WHERE expires_at IS NOT NULL;
