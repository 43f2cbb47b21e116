-- Three roles: the owner migrates and cannot log in, the service runs Tenure, readers look.
-- Each is made only where it is missing, so that a database whose administrator made them needs no right to do so.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tenure_owner') THEN
    CREATE ROLE tenure_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tenure_service') THEN
    CREATE ROLE tenure_service LOGIN;
  ELSIF NOT (SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = 'tenure_service') THEN
    ALTER ROLE tenure_service LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tenure_reader') THEN
    CREATE ROLE tenure_reader NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'tenure') THEN
    CREATE SCHEMA tenure AUTHORIZATION tenure_owner;
  END IF;
END
$$;
