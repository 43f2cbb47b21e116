-- Whether a condition may name a time zone: UTC, or one of the IANA database by its full name, such as Europe/Berlin.
-- The names are those that this server has, written down by each migration: it can list them only slowly, and would raise at
-- one that it has not. It is never asked about another, and takes what else it would (abbreviations, POSIX rules) for no zone.
DO $do$
BEGIN
  EXECUTE format(
    $create$
    CREATE OR REPLACE FUNCTION tenure.condition_zone(zone text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    BEGIN
      RETURN zone = 'UTC' OR zone = ANY (%L::text[]);
    END
    $$;
    $create$,
    (SELECT array_agg(z.name ORDER BY z.name) FROM pg_timezone_names AS z
     WHERE z.name LIKE '%/%' AND z.name !~ '^(posix|right)/'));
END
$do$;
