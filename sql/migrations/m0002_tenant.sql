-- An organisation: owns one log and one graph; nothing crosses tenants.
CREATE TABLE tenure.tenant (
  tenant_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (name <> ''),
  created_at timestamptz NOT NULL DEFAULT now()
);
