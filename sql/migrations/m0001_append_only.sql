-- What is recorded stays: the log and the accepted keys refuse every change, even from their owner.
-- What a superuser can still do, by disabling the triggers, the digests of the log show.
CREATE FUNCTION tenure.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'tenure.% is append-only: % is refused; record an event.voided instead', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'TN003';
END
$$;
