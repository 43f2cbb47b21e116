-- Whether a value of a key matches one of the values of a condition; NULL where it is of another kind than `test` compares, the
-- operator's name without prefix, suffix and negation. `wanted`: of texts the patterns for LIKE, of all others what is written.
-- Case is ignored by the lower case of each character for itself, so a sigma at a word's end is no other sigma. Of 1.1 million
-- characters ICU 72 and Swift 6.3 write 55 differently in lower case: letters that came with Unicode 16 and 17.
CREATE OR REPLACE FUNCTION tenure.condition_match(test text, value text, wanted text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  part text[];
  number numeric;
  numbers numeric[];
BEGIN
  IF test IN ('StringEquals', 'StringLike') OR test = 'Bool' AND value IN ('true', 'false') THEN
    RETURN value LIKE ANY (wanted);
  ELSIF test = 'StringEqualsIgnoreCase' THEN
    value := lower(replace(value, 'Σ', 'σ') COLLATE "und-x-icu");
    RETURN value LIKE ANY (SELECT lower(replace(w, 'Σ', 'σ') COLLATE "und-x-icu") FROM unnest(wanted) AS w);
  ELSIF test LIKE 'Arn%' AND value IS NOT NULL THEN
    -- Part by part, so that a wildcard never reaches over a colon before the last part.
    part := regexp_match(value, '^' || repeat('([^:]*):', 5) || '(.*)$');
    RETURN EXISTS (
      SELECT FROM unnest(wanted) AS w
      CROSS JOIN LATERAL regexp_match(w, '^' || repeat('((?:[^:\\]|\\.)*):', 5) || '(.*)$') AS p
      WHERE part[1] LIKE p[1] AND part[2] LIKE p[2] AND part[3] LIKE p[3] AND part[4] LIKE p[4] AND part[5] LIKE p[5]
        AND part[6] LIKE p[6]);
  ELSIF test = 'IpAddress' THEN
    RETURN tenure.condition_address(value, false) <<= ANY (SELECT tenure.condition_address(w, true) FROM unnest(wanted) AS w);
  ELSIF test = 'BinaryEquals' THEN
    RETURN tenure.condition_bytes(value) = ANY (SELECT tenure.condition_bytes(w) FROM unnest(wanted) AS w);
  ELSIF test LIKE 'Numeric%' THEN
    number := tenure.condition_number(value);
    numbers := wanted::numeric[];
  ELSIF test LIKE 'Date%' THEN
    number := tenure.condition_instant(value);
    numbers := ARRAY(SELECT tenure.condition_instant(w) FROM unnest(wanted) AS w);
  END IF;
  RETURN CASE
    WHEN test LIKE '%LessThan' THEN number < ANY (numbers)
    WHEN test LIKE '%LessThanEquals' THEN number <= ANY (numbers)
    WHEN test LIKE '%GreaterThan' THEN number > ANY (numbers)
    WHEN test LIKE '%GreaterThanEquals' THEN number >= ANY (numbers)
    ELSE number = ANY (numbers)
  END;
END
$$;
