-- The tenant of that name; raises TN002 where there is none.
CREATE OR REPLACE FUNCTION tenure.tenant_named(name text) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
  id int;
BEGIN
  SELECT t.tenant_id INTO id FROM tenure.tenant t WHERE t.name = tenant_named.name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no tenant of this name; tenure.tenant lists them' USING ERRCODE = 'TN002';
  END IF;
  RETURN id;
END
$$;
