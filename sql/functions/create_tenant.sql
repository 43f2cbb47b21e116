-- The tenant of that name, made with an empty log where there is none.
CREATE OR REPLACE FUNCTION tenure.create_tenant(name text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
  id int;
BEGIN
  SELECT t.tenant_id INTO id FROM tenure.tenant t WHERE t.name = create_tenant.name;
  IF id IS NULL THEN
    INSERT INTO tenure.tenant (name) VALUES (create_tenant.name) ON CONFLICT DO NOTHING RETURNING tenant_id INTO id;
    IF id IS NULL THEN
      -- Another session made it meanwhile; its row is committed, or the conflict would have waited.
      SELECT t.tenant_id INTO STRICT id FROM tenure.tenant t WHERE t.name = create_tenant.name;
    END IF;
  END IF;
  INSERT INTO tenure.head (tenant_id) VALUES (id) ON CONFLICT DO NOTHING;
  RETURN id;
END
$$;
