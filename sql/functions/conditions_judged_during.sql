-- What several conditions come to over a stretch, as tenure.conditions_judgement: its instants by judgement, none in two of
-- them. Attributes are those of each instant, so the stretch is cut wherever one changes; what asks for the time is open.
CREATE OR REPLACE FUNCTION tenure.conditions_judged_during(
  t int, k int8, stretch tstzrange, conditions text[], is_any boolean, bearer text, resource text
) RETURNS TABLE (judgement int, held tstzmultirange) LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
  asked text := resource;
BEGIN
  RETURN QUERY
  WITH changing (valid, recorded_from, recorded_to) AS (
    SELECT i.valid, i.recorded_from, i.recorded_to FROM tenure.identities i WHERE i.tenant_id = t AND i.id = bearer
    UNION ALL
    SELECT r.valid, r.recorded_from, r.recorded_to FROM tenure.resources r WHERE r.tenant_id = t AND r.path = asked
    UNION ALL
    SELECT a.valid, a.recorded_from, a.recorded_to FROM tenure.attributes a
    WHERE a.tenant_id = t AND a.entity_kind = 'identity' AND a.entity = bearer
    UNION ALL
    SELECT a.valid, a.recorded_from, a.recorded_to FROM tenure.attributes a
    WHERE a.tenant_id = t AND a.entity_kind = 'resource' AND a.entity = asked
  ), cuts (at) AS (
    SELECT coalesce(lower(stretch), '-infinity') WHERE NOT isempty(stretch)
    UNION
    SELECT cut.at FROM changing c CROSS JOIN LATERAL (VALUES (lower(c.valid)), (upper(c.valid))) AS cut (at)
    WHERE stretch @> cut.at AND c.recorded_from <= k AND (c.recorded_to IS NULL OR c.recorded_to > k)
  ), pieces AS (
    SELECT c.at, stretch * tstzrange(c.at, lead(c.at) OVER (ORDER BY c.at)) AS piece FROM cuts c
  )
  SELECT j.judgement, range_agg(p.piece)
  FROM pieces p
  CROSS JOIN LATERAL (
    SELECT CASE WHEN is_any THEN coalesce(min(each.judgement), 4) ELSE coalesce(max(each.judgement), 1) END AS judgement
    FROM unnest(conditions) AS c
    CROSS JOIN LATERAL tenure.condition_judgement(
      c, NULL, CASE WHEN bearer IS NOT NULL THEN tenure.attributes_at(t, k, 'identity', bearer, p.at) END,
      tenure.attributes_at(t, k, 'resource', asked, p.at)) AS each (judgement)) AS j
  GROUP BY j.judgement;
END
$$;
