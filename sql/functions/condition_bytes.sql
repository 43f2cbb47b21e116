-- The bytes that a text in base64 stands for (RFC 4648, section 4, with padding); NULL where it is none.
CREATE OR REPLACE FUNCTION tenure.condition_bytes(value text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE WHEN value ~ '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' THEN decode(value, 'base64') END;
END
$$;
