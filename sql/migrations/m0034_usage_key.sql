-- What makes a use count once whatever the day it is told for: 128 bits of SHA-256 over its source and id, and over what it says.
CREATE TABLE tenure.usage_key (
  tenant_id int NOT NULL,
  key       uuid NOT NULL,
  digest    uuid NOT NULL,   -- of the content: the same key with another digest is a conflict
  day       date NOT NULL,   -- of the use, in UTC; the key goes some time after its day's rows
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX usage_key_by_day ON tenure.usage_key (tenant_id, day);
