-- What a condition comes to for a question that knows no request: 1 it holds, 4 it does not, 2 it is open, since it depends on
-- what is not given, or cannot be evaluated; unknown is never "no access". So the greatest of several is that of all of them
-- together, the least is that of any of them, and 4 divided by one is its opposite.
-- `condition`: the document as JSON text, NULL for none, which holds. `at`: the moment; NULL leaves time.* open.
-- `identity`, `resource`: their attributes by name as tenure.attributes_at gives them, an object standing for a sealed value;
-- NULL leaves them open. The language is that of Sources/Core/Conditions. It never raises, whatever it is given.
CREATE OR REPLACE FUNCTION tenure.condition_judgement(
  condition text, at timestamptz, identity jsonb, resource jsonb
) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  -- {OPERATOR: {KEY: VALUE or [VALUE, …]}}, each text being \u0001 and each other value \u0002: what does not look so may be
  -- no JSON at all, or nested deeper than can be read.
  key_value CONSTANT text := '\u0001: ?(?:[\u0001\u0002]|\[[\u0001\u0002](?:, ?[\u0001\u0002])*\])';
  operator_keys CONSTANT text := format('\u0001: ?\{%1$s(?:, ?%1$s)*\}', key_value);
  shape CONSTANT text := format('^\{(?:%1$s(?:, ?%1$s)*)?\}$', operator_keys);
  judgement int;
BEGIN
  IF condition IS NULL THEN RETURN 1; END IF;
  -- Twice what can be stored, since jsonb writes blanks. PostgreSQL's JSON has no \u0000.
  IF octet_length(condition) > 32768 OR condition ~ '[\u0001-\u001f]' OR regexp_replace(regexp_replace(condition,
      '"(?:[^"\\]|\\["\\/bfnrt]|\\u00(?:0[1-9a-f]|1[0-9a-f]))*"', U&'\0001', 'g'),
      'true|false|-?(?:0|[1-9][0-9]{0,15})', U&'\0002', 'g') !~ shape
  THEN
    RETURN 2;
  END IF;
  -- One comparison that cannot be read leaves all of it unread, as does more of them than there may be.
  SELECT CASE WHEN bool_or(c.judgement IS NULL) OR count(*) > 100 THEN 2 ELSE max(c.judgement) END INTO judgement
    FROM jsonb_each(condition::jsonb) AS o (operator, keys)
    CROSS JOIN LATERAL jsonb_each(o.keys) AS k (key, operands)
    CROSS JOIN LATERAL tenure.condition_clause(o.operator, k.key, k.operands, at, identity, resource) AS c (judgement);
  RETURN coalesce(judgement, 1);
END
$$;
