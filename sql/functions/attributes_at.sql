-- The attributes that an identity or a resource had at a moment, as conditions ask for them: by name, an empty object standing
-- for a sealed value. Whatever attributes of these names say, an identity has its own `id` and `kind`, a resource its own `path`.
CREATE OR REPLACE FUNCTION tenure.attributes_at(t int, k int8, entity_kind text, entity text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
  asked_kind text := entity_kind;
  asked text := entity;
  existing record;
  found jsonb;
BEGIN
  IF asked_kind = 'identity' THEN
    SELECT i.kind, i.since_effective, i.since_position INTO existing FROM tenure.identities i
      WHERE i.tenant_id = t AND i.id = asked AND i.valid @> at
        AND i.recorded_from <= k AND (i.recorded_to IS NULL OR i.recorded_to > k);
  ELSE
    SELECT NULL::text AS kind, r.since_effective, r.since_position INTO existing FROM tenure.resources r
      WHERE r.tenant_id = t AND r.path = asked AND r.valid @> at
        AND r.recorded_from <= k AND (r.recorded_to IS NULL OR r.recorded_to > k);
  END IF;
  -- None where it did not exist: then there is no beginning to compare with.
  SELECT jsonb_object_agg(a.name, coalesce(a.value, '{}')) INTO found FROM tenure.attributes a
    WHERE a.tenant_id = t AND a.entity_kind = asked_kind AND a.entity = asked AND a.valid @> at
      AND (existing.since_effective, existing.since_position) <= (a.effective_at, a.position)
      AND a.recorded_from <= k AND (a.recorded_to IS NULL OR a.recorded_to > k);
  RETURN coalesce(found, '{}') || CASE asked_kind
    WHEN 'identity' THEN jsonb_build_object('id', asked, 'kind', existing.kind)
    ELSE jsonb_build_object('path', asked)
  END;
END
$$;
