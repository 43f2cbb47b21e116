-- Takes away what a webhook was told before an instant, of the oldest events first, with the owner's right: the service may
-- delete none. Never what is still to be sent, nor anything of the last month, whatever the caller's clock says. Looks at so many
-- at most; returns how many went.
CREATE OR REPLACE FUNCTION tenure.prune_deliveries(tenant int, webhook text, before timestamptz, most int8) RETURNS int8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH oldest AS MATERIALIZED (
    SELECT d.position FROM tenure.webhook_delivery d
    WHERE d.tenant_id = tenant AND d.webhook_id = webhook ORDER BY d.position LIMIT most
  ), gone AS (
    DELETE FROM tenure.webhook_delivery d USING oldest o
    WHERE d.tenant_id = tenant AND d.webhook_id = webhook AND d.position = o.position AND d.state <> 'pending'
      AND greatest(d.made_at, d.last_attempt_at) < least(before, now() - interval '30 days')
    RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
