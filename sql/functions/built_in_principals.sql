-- The built-in principals that there are over a stretch, and when: neither ended nor suspended. What is granted or denied to
-- `everyone` is so to every identity; `authenticated`, whoever is known, is one of everyone.
CREATE OR REPLACE FUNCTION tenure.built_in_principals(t int, k int8, stretch tstzrange)
RETURNS TABLE (id text, held tstzmultirange)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 2 SET search_path = pg_catalog SET plan_cache_mode = auto AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT i.id, range_agg(tstzmultirange(i.valid * stretch) - coalesce(x.held, '{}'))
  FROM tenure.identities i
  CROSS JOIN LATERAL (
    SELECT range_agg(s.valid) AS held
    FROM tenure.identity_suspensions s
    WHERE s.tenant_id = t AND s.identity = i.id AND s.valid && stretch
      AND (i.since_effective, i.since_position) <= (s.effective_at, s.position)
      AND s.recorded_from <= k AND (s.recorded_to IS NULL OR s.recorded_to > k)) AS x
  WHERE i.tenant_id = t AND i.id IN ('everyone', 'authenticated') AND i.valid && stretch
    AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k)
  GROUP BY i.id;
END
$$;
