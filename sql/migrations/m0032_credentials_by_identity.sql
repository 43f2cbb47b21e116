-- The credentials that act as an identity, for psql: whose keys are these.
CREATE INDEX credentials_by_identity ON tenure.credentials (tenant_id, identity) INCLUDE (valid)
  WHERE recorded_to IS NULL;
