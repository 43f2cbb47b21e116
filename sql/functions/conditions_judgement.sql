-- What several conditions come to at a moment, as tenure.condition_judgement: all of them together, or where `is_any` the best
-- of them, which of none is that it does not hold. `bearer` is the identity whose attributes they ask for; NULL leaves these
-- open. `described`: the resource's attributes.
CREATE OR REPLACE FUNCTION tenure.conditions_judgement(
  t int, k int8, at timestamptz, conditions text[], is_any boolean, bearer text, described jsonb
) RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  borne jsonb := CASE WHEN bearer IS NOT NULL THEN tenure.attributes_at(t, k, 'identity', bearer, at) END;
BEGIN
  RETURN (
    SELECT CASE WHEN is_any THEN coalesce(min(j.judgement), 4) ELSE coalesce(max(j.judgement), 1) END
    FROM unnest(conditions) AS c
    CROSS JOIN LATERAL tenure.condition_judgement(c, at, borne, described) AS j (judgement));
END
$$;
