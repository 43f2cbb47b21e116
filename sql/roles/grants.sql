-- What each role may do; said in full each time, so that a table made by hand or a right given by hand does not stay.
REVOKE ALL ON SCHEMA tenure FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA tenure FROM PUBLIC, tenure_service, tenure_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenure FROM PUBLIC, tenure_service, tenure_reader;
GRANT USAGE ON SCHEMA tenure TO tenure_service, tenure_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenure TO tenure_service;
GRANT SELECT ON ALL TABLES IN SCHEMA tenure TO tenure_service;

-- The log, its keys and the personal values: written once.
GRANT INSERT ON tenure.tenant, tenure.head, tenure.event, tenure.command, tenure.personal TO tenure_service;
GRANT UPDATE ON tenure.head TO tenure_service;

-- The runs of jobs: begun, and ended once.
GRANT INSERT, UPDATE (ended_at, outcome, counts, reached, position, error) ON tenure.job_run TO tenure_service;

-- Webhooks and what they are told: made, followed, ended. A reader sees neither: there lie secrets, and addresses with tokens.
GRANT INSERT, UPDATE (made_through, troubles, resting_until, secret, ended_at, ended_because) ON tenure.webhook
  TO tenure_service;
GRANT INSERT, UPDATE (
    state, attempts, first_attempt_at, last_attempt_at, next_attempt_at, last_status, last_error
  ) ON tenure.webhook_delivery TO tenure_service;

-- Usage: what sources told is written once; partitions are made and dropped by functions with the owner's right. A reader sees
-- none of it: there stand the addresses that people work from.
GRANT INSERT ON tenure.usage, tenure.usage_closed_day TO tenure_service;
GRANT INSERT, DELETE ON tenure.usage_key, tenure.usage_mark TO tenure_service;
GRANT INSERT, UPDATE (uses, denied, failed, first_used, last_used, first_permitted, last_permitted) ON tenure.usage_daily
  TO tenure_service;
GRANT INSERT, UPDATE (kept_days) ON tenure.usage_window TO tenure_service;

-- The relation tables: rows are added and closed; a rebuild also takes wrong ones away.
GRANT INSERT, DELETE ON tenure.role_permissions TO tenure_service;
GRANT INSERT, UPDATE (recorded_to, voided), DELETE ON
  tenure.identities, tenure.groups, tenure.roles, tenure.policies, tenure.requests, tenure.credentials, tenure.findings,
  tenure.reviews, tenure.review_items, tenure.resources, tenure.sources, tenure.identity_suspensions,
  tenure.finding_acceptances, tenure.account_links, tenure.memberships, tenure.assignments, tenure.attributes, tenure.coverage, tenure.coverage_gaps TO tenure_service;

GRANT SELECT ON
  tenure.tenant, tenure.head,
  tenure.identities, tenure.groups, tenure.roles, tenure.role_permissions, tenure.policies, tenure.requests,
  tenure.credentials, tenure.findings, tenure.finding_acceptances, tenure.reviews, tenure.review_items,
  tenure.resources, tenure.sources,
  tenure.identity_suspensions, tenure.account_links, tenure.memberships, tenure.assignments, tenure.attributes,
  tenure.coverage, tenure.coverage_gaps, tenure.current_role_graph, tenure.current_entitlements TO tenure_reader;
GRANT EXECUTE ON FUNCTION
  tenure.tenant_named, tenure.known_position, tenure.built_in_principals, tenure.scopes_covering, tenure.who_had_access, tenure.who_had_access_during,
  tenure.what_could, tenure.like_pattern, tenure.condition_zone, tenure.condition_kind, tenure.condition_values,
  tenure.condition_value, tenure.condition_number, tenure.condition_instant, tenure.condition_address, tenure.condition_bytes,
  tenure.condition_text, tenure.condition_reads, tenure.condition_match, tenure.condition_clause, tenure.condition_judgement,
  tenure.attributes_at, tenure.conditions_judgement, tenure.conditions_judged_during, tenure.matches_pattern,
  tenure.policies_denying, tenure.has_denials, tenure.denials, tenure.denials_during,
  tenure.pattern_regexp, tenure.pattern_contains, tenure.patterns_overlap, tenure.scope_patterns, tenure.reach_meets,
  tenure.reach_contains, tenure.restrictions TO tenure_reader;

-- A rebuild folds into temporary tables.
DO $$
BEGIN
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO tenure_service', current_database());
EXCEPTION WHEN insufficient_privilege THEN NULL;   -- PUBLIC usually has it; otherwise the rebuild says so
END
$$;
