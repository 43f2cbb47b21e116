-- Whether a tenant has anything that denies: a deny permission in a role, a deny or a boundary policy, at any time.
-- Most have none, and then a question looks at nothing of the kind. Asked by every question, so its plan is kept, whatever the
-- caller's setting.
CREATE OR REPLACE FUNCTION tenure.has_denials(t int) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog SET plan_cache_mode = auto AS $$
BEGIN
  RETURN EXISTS (SELECT FROM tenure.role_permissions p WHERE p.tenant_id = t AND p.effect = 'deny')
    OR EXISTS (SELECT FROM tenure.policies p WHERE p.tenant_id = t AND p.policy_type IN ('deny', 'boundary'));
END
$$;
