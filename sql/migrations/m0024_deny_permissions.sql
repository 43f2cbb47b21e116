-- The few permissions that deny, so that a question finds without a search that a tenant has none, as most have.
CREATE INDEX role_permissions_denying ON tenure.role_permissions (tenant_id) WHERE effect = 'deny';
