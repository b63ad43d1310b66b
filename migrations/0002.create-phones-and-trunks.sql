-- depends: 0001.create-accounts
-- What Asterisk must know: trunks of sites, SIP accounts of agents, DIDs.

CREATE TABLE trunks (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  site_id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT trunks_slug_unique UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
  host text NOT NULL,
  port integer NOT NULL DEFAULT 5060 CHECK (port BETWEEN 1 AND 65535),
  codecs text[] NOT NULL DEFAULT '{alaw,ulaw}',
  priority integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT trunks_address_unique UNIQUE (host, port),
  CONSTRAINT trunks_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id)
);
CREATE INDEX trunks_site ON trunks (site_id, priority);

CREATE TABLE phones (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  user_id uuid NOT NULL CONSTRAINT phones_user_unique UNIQUE,
  extension text NOT NULL CONSTRAINT phones_extension_unique UNIQUE CHECK (extension ~ '^[0-9]{2,8}$'),
  secret_encrypted bytea NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT phones_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN phones.secret_encrypted IS 'Fernet: Asterisk needs the SIP password in clear.';

CREATE TABLE dids (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  site_id uuid NOT NULL,
  number text NOT NULL CONSTRAINT dids_number_unique UNIQUE CHECK (number ~ '^\+[0-9]{4,15}$'),
  user_id uuid,
  label text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT dids_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id),
  CONSTRAINT dids_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['trunks', 'phones', 'dids'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO ccserver_app USING (tenant_id = ccserver_tenant()) WITH CHECK (tenant_id = ccserver_tenant())', t);
    EXECUTE format('CREATE POLICY system ON %I TO ccserver_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ccserver_app, ccserver_system', t);
  END LOOP;
END $$;
