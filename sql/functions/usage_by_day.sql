-- Usage by identity, action, resource and day, always as it is now: of days without a mark from the roll-up, of the others
-- from their rows. NULL filters nothing. A page begins after the place given, in the order of identity, action, resource, day.
-- One snapshot: a roll-up that ends meanwhile is seen whole or not at all.
CREATE OR REPLACE FUNCTION tenure.usage_by_day(
  tenant int, first_day date, last_day date, of_identities text[], of_action text, of_resource text,
  after_identity text, after_action text, after_resource text, after_day date, maximum int8
) RETURNS TABLE (
  identity text, action text, resource text, day date, uses int8, denied int8, failed int8,
  first_used timestamptz, last_used timestamptz, first_permitted timestamptz, last_permitted timestamptz
) LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
  marked date[] := ARRAY(
    SELECT DISTINCT m.day FROM tenure.usage_mark m
    WHERE m.tenant_id = tenant AND m.day BETWEEN first_day AND last_day
      AND NOT EXISTS (SELECT FROM tenure.usage_closed_day c WHERE c.tenant_id = tenant AND c.day = m.day));
  filter text := concat(
    CASE WHEN of_identities IS NOT NULL THEN ' AND u.identity = ANY($4)' END,
    CASE WHEN of_action IS NOT NULL THEN ' AND u.action = $5' END,
    CASE WHEN of_resource IS NOT NULL THEN ' AND u.resource = $6' END);
  parts text[] := ARRAY[concat(
    '(SELECT u.identity, u.action, u.resource, u.day, u.uses, u.denied, u.failed, u.first_used, u.last_used,
        u.first_permitted, u.last_permitted
      FROM tenure.usage_daily u
      WHERE u.tenant_id = $1 AND u.day BETWEEN $2 AND $3 AND u.day <> ALL($11)', filter,
    CASE WHEN after_identity IS NOT NULL THEN ' AND (u.identity, u.action, u.resource, u.day) > ($7, $8, $9, $10)' END,
    ' ORDER BY 1, 2, 3, 4 LIMIT $12)')];
  one date;
BEGIN
  -- With the day in the text the planner opens the one partition, and not all.
  FOREACH one IN ARRAY marked LOOP
    parts := parts || format(
      '(SELECT u.identity, u.action, coalesce(u.resource, ''''), %L::date, count(*),
          count(*) FILTER (WHERE u.outcome = ''denied''), count(*) FILTER (WHERE u.outcome = ''failed''),
          min(u.used_at), max(u.used_at), min(u.used_at) FILTER (WHERE u.outcome <> ''denied''),
          max(u.used_at) FILTER (WHERE u.outcome <> ''denied'')
        FROM tenure.usage u
        WHERE u.tenant_id = $1 AND u.used_at >= %L AND u.used_at < %L%s%s
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $12)',
      one, one::timestamptz, (one + 1)::timestamptz, filter,
      CASE WHEN after_identity IS NOT NULL THEN
        format(' AND (u.identity, u.action, coalesce(u.resource, ''''), %L::date) > ($7, $8, $9, $10)', one) END);
  END LOOP;
  RETURN QUERY EXECUTE
    'SELECT * FROM (' || array_to_string(parts, ' UNION ALL ') || ') AS parts ORDER BY 1, 2, 3, 4 LIMIT $12'
    USING tenant, first_day, last_day, of_identities, of_action, of_resource,
      after_identity, after_action, after_resource, after_day, marked, maximum;
END
$$;
