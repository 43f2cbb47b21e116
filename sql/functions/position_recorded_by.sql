-- The last position recorded at or before an instant, 0 where there is none; NULL for NULL.
-- `recorded_at` never goes back along a log, so the positions themselves are searched: some twenty probes of the primary key in
-- place of an index that every append would have to keep. Of a batch, which has one instant, it is the last position.
CREATE OR REPLACE FUNCTION tenure.position_recorded_by(tenant int, instant timestamptz)
RETURNS int8 LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog AS $$
DECLARE
  low int8 := 0;
  high int8;
  middle int8;
BEGIN
  SELECT h.position INTO high FROM tenure.head h WHERE h.tenant_id = tenant;
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF (SELECT e.recorded_at FROM tenure.event e WHERE e.tenant_id = tenant AND e.position = middle) <= instant THEN
      low := middle;
    ELSE
      high := middle - 1;
    END IF;
  END LOOP;
  RETURN low;
END
$$;
