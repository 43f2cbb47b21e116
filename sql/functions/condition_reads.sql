-- Whether a value of a condition, as text, is one that an operator can compare with. `test` is the operator's name without
-- prefix, suffix and negation.
CREATE OR REPLACE FUNCTION tenure.condition_reads(test text, operand text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  -- The text with a blank for each variable and escape.
  written text := regexp_replace(operand, '\$\{[^}]*\}', ' ', 'g');
  variables int := 0;
  inside text;
BEGIN
  -- As Condition.maximumValueBytes and ConditionText.maximumVariables have it.
  IF octet_length(operand) > 1024 THEN RETURN false; END IF;
  IF test = 'Null' THEN RETURN operand IN ('true', 'false'); END IF;
  IF test LIKE 'Numeric%' THEN RETURN tenure.condition_number(operand) IS NOT NULL; END IF;
  IF test LIKE 'Date%' THEN RETURN tenure.condition_instant(operand) IS NOT NULL; END IF;
  IF test = 'IpAddress' THEN RETURN tenure.condition_address(operand, true) IS NOT NULL; END IF;
  IF test = 'BinaryEquals' THEN RETURN tenure.condition_bytes(operand) IS NOT NULL; END IF;
  -- Texts, which may hold variables: a key, perhaps with a fallback in quotes.
  FOR inside IN SELECT m[1] FROM regexp_matches(operand, '\$\{([^}]*)\}', 'g') AS m LOOP
    IF inside NOT IN ('*', '?', '$') THEN
      IF inside !~ '^[^,]*(?:, *''.*'')?$' OR tenure.condition_kind(rtrim(split_part(inside, ',', 1), ' ')) IS NULL THEN
        RETURN false;
      END IF;
      variables := variables + 1;
    END IF;
  END LOOP;
  RETURN variables <= 10 AND position('${' in written) = 0 AND CASE
    WHEN test = 'Bool' THEN variables > 0 OR operand IN ('true', 'false')
    WHEN test LIKE 'Arn%' THEN written LIKE '%:%:%:%:%:%'
    ELSE true
  END;
END
$$;
