-- Requests that wait for somebody, by when they lapse: the job asks for those that are due.
CREATE INDEX requests_by_end ON tenure.requests (tenant_id, request_expires_at)
  WHERE recorded_to IS NULL AND upper_inf(valid) AND state IN ('pending', 'approved');
