-- The permissions of each definition of a role, as its event gave them: written once, never changed.
-- Which definition counts when is said by the row of tenure.roles with the same position.
CREATE TABLE tenure.role_permissions (
  tenant_id      int NOT NULL,
  role_id        text COLLATE "C" NOT NULL,
  position       int8 NOT NULL,             -- of the definition
  ordinal        int NOT NULL,              -- place in the definition, from 0
  effect         text COLLATE "C" NOT NULL,
  actions        text[] COLLATE "C" NOT NULL,
  resources      text[] COLLATE "C" NOT NULL,
  action_likes   text[] COLLATE "C" NOT NULL,   -- the same patterns for LIKE: * is %, ? is _, and \ escapes
  resource_likes text[] COLLATE "C" NOT NULL,
  condition      text COLLATE "C",          -- canonical JSON; cast to jsonb to look inside
  PRIMARY KEY (tenant_id, role_id, position, ordinal)
);
