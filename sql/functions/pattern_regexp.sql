-- A pattern as a regular expression for other patterns, in which chr(1) stands for * and chr(2) for ?, which no pattern has. It
-- matches what it contains: a * only by *, a ? by either; or `is_overlap` what no * is in and it has a text in common with.
CREATE OR REPLACE FUNCTION tenure.pattern_regexp(pattern text, is_overlap boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
  RETURN '^' || (
    SELECT string_agg(CASE
      WHEN c.piece = '*' THEN '.*'
      WHEN c.piece = '?' THEN CASE WHEN is_overlap THEN '.' ELSE '[^' || chr(1) || ']' END
      WHEN is_overlap THEN '(?:' || regexp_replace(c.piece, '([][\\.^$|(){}+])', '\\\1') || '|' || chr(2) || ')'
      ELSE regexp_replace(c.piece, '([][\\.^$|(){}+])', '\\\1') END, '' ORDER BY c.n)
    FROM regexp_split_to_table(pattern, '') WITH ORDINALITY AS c (piece, n)) || '$';
END
$$;
