-- depends:
-- Tenants, sites, users and their sessions; the two database roles and row-level security.
--
-- ccserver_app sees one tenant, named by the setting ccserver.tenant: the second wall behind the services.
-- ccserver_system is for the telephony owner, jobs and logins, which work across tenants.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccserver_app') THEN CREATE ROLE ccserver_app NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccserver_system') THEN CREATE ROLE ccserver_system NOLOGIN; END IF;
  EXECUTE format('GRANT ccserver_app, ccserver_system TO %I', current_user);
  EXECUTE format('GRANT USAGE ON SCHEMA public TO ccserver_app, ccserver_system');
END $$;

CREATE FUNCTION ccserver_tenant() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('ccserver.tenant', true), '')::uuid $$;

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT tenants_slug_unique UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE sites (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
  name text NOT NULL,
  zone text NOT NULL DEFAULT 'Europe/Paris',
  country text NOT NULL DEFAULT 'FR',
  caller_id text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  -- Trunks, contexts and journals are named after the slug in one Asterisk, so it is unique over all tenants.
  CONSTRAINT sites_slug_unique UNIQUE (slug),
  CONSTRAINT sites_name_unique UNIQUE (tenant_id, name)
);

CREATE TABLE users (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  login text NOT NULL,
  first_name text NOT NULL DEFAULT '',
  last_name text NOT NULL DEFAULT '',
  email text NOT NULL DEFAULT '',
  role text NOT NULL CHECK (role IN ('AGENT', 'SUPERVISOR', 'ADMIN', 'SUPER_ADMIN')),
  site_id uuid REFERENCES sites,
  locale text NOT NULL DEFAULT 'fr' CHECK (locale IN ('fr', 'en')),
  password_hash text NOT NULL,
  must_change_password boolean NOT NULL DEFAULT true,
  active boolean NOT NULL DEFAULT true,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
-- Logins are unique over all tenants: the login page does not ask for an organisation.
CREATE UNIQUE INDEX users_login_unique ON users (lower(login));
CREATE INDEX users_tenant ON users (tenant_id, last_name, first_name, id);

CREATE TABLE user_sites (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  site_id uuid NOT NULL REFERENCES sites ON DELETE CASCADE,
  tenant_id uuid NOT NULL REFERENCES tenants,
  PRIMARY KEY (user_id, site_id)
);
COMMENT ON TABLE user_sites IS 'Sites in a supervisor''s scope; no row means every site of the tenant.';

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  refreshed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_open ON sessions (user_id) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  tenant_id uuid NOT NULL REFERENCES tenants,
  issued_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
COMMENT ON TABLE refresh_tokens IS 'Only SHA-256 hashes. A token shown twice ends its whole session.';

CREATE TABLE login_failures (
  key text PRIMARY KEY,
  failures integer NOT NULL,
  last_at timestamptz NOT NULL,
  blocked_until timestamptz
);
COMMENT ON TABLE login_failures IS 'Throttle of logins, key = account:<login> or address:<ip>.';

CREATE TABLE audit_log (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  at timestamptz NOT NULL,
  user_id uuid,
  action text NOT NULL,
  target text NOT NULL DEFAULT '',
  detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['sites', 'users', 'user_sites', 'sessions', 'refresh_tokens', 'audit_log'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO ccserver_app USING (tenant_id = ccserver_tenant()) WITH CHECK (tenant_id = ccserver_tenant())', t);
    EXECUTE format('CREATE POLICY system ON %I TO ccserver_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ccserver_app, ccserver_system', t);
  END LOOP;
END $$;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO ccserver_app USING (id = ccserver_tenant());
CREATE POLICY system ON tenants TO ccserver_system USING (true) WITH CHECK (true);
GRANT SELECT ON tenants TO ccserver_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, login_failures TO ccserver_system;
