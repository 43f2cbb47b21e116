-- When an entity exists without a break since before a place in the fold, as known at k: the stretches over which a fact
-- that began there can hold as far as this end of it is concerned.
CREATE OR REPLACE FUNCTION tenure.existing_since(
  tenant int, k int8, kind text, id text, effective timestamptz, at_position int8
) RETURNS tstzmultirange LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(range_agg(e.valid), '{}') FROM (
    SELECT i.valid FROM tenure.identities i
    WHERE kind = 'identity' AND i.tenant_id = tenant AND i.id = existing_since.id
      AND (i.since_effective, i.since_position) <= (effective, at_position)
      AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
    UNION ALL
    SELECT g.valid FROM tenure.groups g
    WHERE kind = 'group' AND g.tenant_id = tenant AND g.id = existing_since.id
      AND (g.since_effective, g.since_position) <= (effective, at_position)
      AND g.recorded_from <= k AND (g.recorded_to IS NULL OR g.recorded_to > k)
    UNION ALL
    SELECT r.valid FROM tenure.roles r
    WHERE kind = 'role' AND r.tenant_id = tenant AND r.id = existing_since.id
      AND (r.since_effective, r.since_position) <= (effective, at_position)
      AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k)
  ) AS e
$$;
