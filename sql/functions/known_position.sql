-- The position that a question knows up to: the one asked for, or the head. A position within a batch counts as the batch
-- before it, since every row of a batch is recorded under the batch's last position.
CREATE OR REPLACE FUNCTION tenure.known_position(tenant int, as_known_at int8) RETURNS int8
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT least(as_known_at, position) FROM tenure.head WHERE tenant_id = tenant
$$;
