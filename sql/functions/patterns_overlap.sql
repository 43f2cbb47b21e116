-- Whether some text matches both patterns.
CREATE OR REPLACE FUNCTION tenure.patterns_overlap(a text, b text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  first_a text := split_part(a, '*', 1);
  first_b text := split_part(b, '*', 1);
  last_a text := reverse(split_part(reverse(a), '*', 1));
  last_b text := reverse(split_part(reverse(b), '*', 1));
  first int := least(length(first_a), length(first_b));
  last int := least(length(last_a), length(last_b));
BEGIN
  IF a = '*' OR b = '*' THEN RETURN true; END IF;
  IF strpos(a, '*') = 0 THEN
    IF strpos(a, '?') = 0 THEN RETURN a LIKE tenure.like_pattern(b); END IF;
    RETURN replace(a, '?', chr(2)) ~ tenure.pattern_regexp(b, true);
  END IF;
  IF strpos(b, '*') = 0 THEN RETURN tenure.patterns_overlap(b, a); END IF;
  -- What stands between the first * and the last of the one, a * of the other stands for; so only the ends can clash.
  RETURN (first = 0 OR tenure.patterns_overlap(left(first_a, first), left(first_b, first)))
    AND (last = 0 OR tenure.patterns_overlap(right(last_a, last), right(last_b, last)));
END
$$;
