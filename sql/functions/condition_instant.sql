-- A date of a condition as microseconds since 1970: seconds since then, or the W3C profile of ISO 8601 (NOTE-datetime), whose
-- shorter forms name the first instant of their year, month, day or minute. NULL for everything else, and outside the years
-- 1 to 9999.
CREATE OR REPLACE FUNCTION tenure.condition_instant(value text) RETURNS int8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  -- At least down to the minute, so that each part has its place.
  written text := concat(
    value, CASE WHEN length(value) IN (4, 7, 10) THEN substr('0000-01-01T00:00Z', length(value) + 1) END);
  second text := CASE WHEN substr(written, 17, 1) = ':' THEN substr(written, 18, 2) ELSE '00' END;
  fraction text := coalesce(substring(written from '\.[0-9]+'), '.0');
  ahead text := coalesce(substring(written from '[+-][0-9]{2}:[0-9]{2}$'), '+00:00');
  day date;
  answer int8;
BEGIN
  -- Four digits are a year; more than twelve that count lie beyond the year 9999.
  IF length(value) <> 4 AND value ~ '^-?0*[0-9]{1,12}$' THEN
    answer := value::int8 * 1000000;
  ELSIF written ~ (
      '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$')
    AND left(written, 4) > '0000' AND substr(written, 6, 2) BETWEEN '01' AND '12' AND substr(written, 9, 2) > '00'
    AND greatest(substr(written, 12, 2), substr(ahead, 2, 2)) < '24'
    AND greatest(substr(written, 15, 2), second, right(ahead, 2)) < '60'
  THEN
    day := make_date(left(written, 4)::int, substr(written, 6, 2)::int, 1) + (substr(written, 9, 2)::int - 1);
    -- Where the month has that day.
    IF extract(month FROM day) = substr(written, 6, 2)::int THEN
      answer := rpad(substr(fraction, 2), 6, '0')::int + 1000000 * (86400 * (day - DATE '1970-01-01')::int8
        + 3600 * substr(written, 12, 2)::int + 60 * substr(written, 15, 2)::int + second::int
        - (left(ahead, 1) || '60')::int * (60 * substr(ahead, 2, 2)::int + right(ahead, 2)::int));
    END IF;
  END IF;
  RETURN CASE WHEN answer BETWEEN -62135596800000000 AND 253402300799999999 THEN answer END;
END
$$;
