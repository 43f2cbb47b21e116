-- An IP address, or where `is_block` also a block of them in CIDR notation without bits set behind its prefix; NULL for
-- everything else. An IPv4 address within IPv6 is one of IPv6. Leading zeros are refused, since to some they mean octal.
CREATE OR REPLACE FUNCTION tenure.condition_address(value text, is_block boolean) RETURNS inet
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  octet CONSTANT text := '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
  four CONSTANT text := octet || '(?:\.' || octet || '){3}$';
  groups CONSTANT text := '(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?';
  bare text := CASE WHEN is_block THEN split_part(value, '/', 1) ELSE value END;
  -- The last 32 bits may be written as an IPv4 address (RFC 4291, section 2.2).
  hexadecimal text := regexp_replace(bare, ':' || four, ':0:0');
  address inet;
  prefix text;
BEGIN
  IF bare ~ ('^' || four) THEN
    address := bare::inet;
  ELSIF hexadecimal ~ ('^' || groups || '(?:::' || groups || ')?$')
    -- Eight groups, or fewer where zeros are left out.
    AND (regexp_count(hexadecimal, '[0-9a-fA-F]+') = 8) = (position('::' in hexadecimal) = 0)
    AND regexp_count(hexadecimal, '[0-9a-fA-F]+') <= 8
  THEN
    address := bare::inet;
  END IF;
  IF address IS NULL OR bare = value THEN RETURN address; END IF;
  prefix := substr(value, length(bare) + 2);
  IF prefix !~ '^[0-9]{1,3}$' OR prefix::int > masklen(address) THEN RETURN NULL; END IF;
  address := set_masklen(address, prefix::int);
  RETURN CASE WHEN network(address) = address THEN address END;
END
$$;
