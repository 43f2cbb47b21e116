-- When an identity exists and is not suspended, as known at k.
CREATE OR REPLACE FUNCTION tenure.active(tenant int, k int8, identity text) RETURNS tstzmultirange
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(range_agg(i.valid), '{}') - (
    SELECT coalesce(range_agg(s.valid * there), '{}')
    FROM tenure.identity_suspensions s
    CROSS JOIN LATERAL unnest(
      tenure.existing_since(tenant, k, 'identity', s.identity, s.effective_at, s.position)) AS there
    WHERE s.tenant_id = active.tenant AND s.identity = active.identity
      AND s.recorded_from <= k AND (s.recorded_to IS NULL OR s.recorded_to > k))
  FROM tenure.identities i
  WHERE i.tenant_id = active.tenant AND i.id = active.identity
    AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
$$;
