-- All entitlements as they stand now by all that is known: which identity may do which pattern of actions on which pattern of
-- resources within which scope, with what is left of it; see tenure.what_could. A row whose status is denied is no access.
-- It asks tenure.what_could for each identity: the cost grows with the identities that are asked for, so name some where
-- there are many. Joined over all at once, the estimates of so many steps are worth nothing, and the plans minutes long.
-- What everyone has stands once, as that of the identity `everyone`.
-- Dropped first, since a view cannot be replaced by one with other columns.
DROP VIEW IF EXISTS tenure.current_entitlements;
CREATE VIEW tenure.current_entitlements WITH (security_invoker = true) AS
SELECT t.name AS tenant, i.id AS identity, w.action, w.unknown_role, w.resource, w.scope, w.conditions, w.effect,
  w.status, w.restricted_by
FROM tenure.tenant t
JOIN tenure.identities i ON i.tenant_id = t.tenant_id AND i.recorded_to IS NULL AND i.valid @> now()
CROSS JOIN LATERAL tenure.what_could(t.name, i.id, now(), own => true) AS w;
