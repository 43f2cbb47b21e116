-- A decimal number such as -12.50, of at most 100 digits and point; NULL for everything else, an exponent too.
CREATE OR REPLACE FUNCTION tenure.condition_number(value text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE WHEN value ~ '^-?[0-9]+(?:\.[0-9]+)?$' AND length(ltrim(value, '-')) <= 100 THEN value::numeric END;
END
$$;
