-- Compares and sets a tenant's head, and raises TN001 when it has moved: the caller rolls back, catches up and decides again.
-- Returns the generation. The row stays locked until the transaction ends, so appends of a tenant commit in order.
CREATE OR REPLACE FUNCTION tenure.advance_head(
  tenant int, expected_position int8, expected_epoch int8, new_position int8, new_recorded_at timestamptz
) RETURNS int8 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  found_generation int8;
BEGIN
  IF new_position <= expected_position THEN
    RAISE EXCEPTION 'the head of a log only moves forward' USING ERRCODE = '22023';
  END IF;
  UPDATE tenure.head h SET position = new_position, recorded_at = new_recorded_at
    WHERE h.tenant_id = tenant AND h.position = expected_position AND h.epoch = expected_epoch
      AND (h.recorded_at IS NULL OR h.recorded_at < new_recorded_at)
    RETURNING h.generation INTO found_generation;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the head of the log has moved: catch up and decide again' USING ERRCODE = 'TN001';
  END IF;
  RETURN found_generation;
END
$$;
