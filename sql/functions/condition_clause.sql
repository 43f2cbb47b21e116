-- What one comparison of a condition comes to: as tenure.condition_judgement, and NULL where it cannot be read.
CREATE OR REPLACE FUNCTION tenure.condition_clause(
  operator text, key text, operands jsonb, at timestamptz, identity jsonb, resource jsonb
) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  for_any boolean := operator LIKE 'ForAnyValue:%';
  for_all boolean := operator LIKE 'ForAllValues:%';
  name text := regexp_replace(operator, '^ForA(?:nyValue|llValues):|IfExists$', '', 'g');
  test text := replace(name, 'Not', '');
  is_negated boolean := name <> test;
  kind text := tenure.condition_kind(key);
  wanted text[] := ARRAY(
    SELECT tenure.condition_value(o)
    FROM jsonb_array_elements(CASE jsonb_typeof(operands) WHEN 'array' THEN operands ELSE '[]' || operands END) AS o);
  compared text;
  found jsonb;
  some_hold boolean;
  all_hold boolean;
  some_cannot boolean;
BEGIN
  compared := CASE
    WHEN test = 'Null' THEN kind
    WHEN test LIKE 'Numeric%' THEN 'number'
    WHEN test LIKE 'Date%' THEN 'instant'
    WHEN test = 'Bool' THEN 'boolean'
    WHEN test = 'IpAddress' THEN 'address'
    ELSE 'text'
  END;
  IF name !~ ('^(?:String(?:Not)?(?:Equals|EqualsIgnoreCase|Like)|Arn(?:Not)?(?:Equals|Like)|Bool|BinaryEquals|Null'
      '|(?:Numeric|Date)(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)|(?:Not)?IpAddress)$')
    OR kind IS NULL OR kind NOT IN (compared, 'any') OR test = 'Null' AND (operator <> 'Null' OR key LIKE 'time.%')
    OR cardinality(wanted) NOT BETWEEN 1 AND 1000 OR array_position(wanted, NULL) IS NOT NULL
    OR NOT (SELECT bool_and(tenure.condition_reads(test, w)) FROM unnest(wanted) AS w)
  THEN
    RETURN NULL;
  END IF;
  found := tenure.condition_values(key, at, identity, resource);
  IF found IS NULL THEN RETURN 2; END IF;
  IF test = 'Null' THEN RETURN CASE WHEN (found = '[]')::text = ANY (wanted) THEN 1 ELSE 4 END; END IF;
  IF jsonb_typeof(found) = 'object' THEN RETURN 2; END IF;
  IF found = '[]' THEN
    -- AWS's table of missing keys.
    RETURN CASE WHEN operator LIKE '%IfExists' OR for_all OR is_negated AND NOT for_any THEN 1 ELSE 4 END;
  END IF;
  IF test ~ '^(?:String|Bool|Arn)' THEN
    wanted := ARRAY(
      SELECT tenure.condition_text(w, test ~ '^(?:StringLike|Arn)', at, identity, resource) FROM unnest(wanted) AS w);
  END IF;
  -- Several values where one is meant: nobody can say which.
  IF array_position(wanted, NULL) IS NOT NULL OR NOT (for_any OR for_all) AND jsonb_array_length(found) <> 1
  THEN
    RETURN 2;
  END IF;
  SELECT bool_or(m.matches <> is_negated), bool_and(m.matches <> is_negated), bool_or(m.matches IS NULL)
    INTO some_hold, all_hold, some_cannot
    FROM jsonb_array_elements(found) AS v
    CROSS JOIN LATERAL tenure.condition_match(test, tenure.condition_value(v), wanted) AS m (matches);
  RETURN CASE
    WHEN for_any AND some_hold THEN 1
    WHEN NOT for_any AND NOT all_hold THEN 4
    WHEN some_cannot THEN 2
    WHEN some_hold THEN 1
    ELSE 4
  END;
END
$$;
