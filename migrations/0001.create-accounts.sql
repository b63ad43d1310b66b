-- depends:
-- Tenants, sites, users and their sessions; the two database roles and row-level security.
--
-- ccserver_app sees one tenant, named by the setting ccserver.tenant: the second wall behind the services.
-- ccserver_system is for the telephony owner, jobs and logins, which work across tenants.

-- Roles belong to the cluster, so another database may have made them, or be making them right now.
DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['ccserver_app', 'ccserver_system'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', r);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
    BEGIN
      EXECUTE format('GRANT %I TO %I', r, current_user);
    EXCEPTION WHEN insufficient_privilege THEN
      -- An owner of this database only, to whom somebody else has granted the roles.
      IF NOT pg_has_role(current_user, r, 'MEMBER') THEN RAISE; END IF;
    END;
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA public TO ccserver_app, ccserver_system;
GRANT SELECT ON _yoyo_migration TO ccserver_system;

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
  CONSTRAINT sites_name_unique UNIQUE (tenant_id, name),
  -- Whatever points to a site does so with its tenant: no row can ever belong to two organisations.
  CONSTRAINT sites_tenant_key UNIQUE (tenant_id, id)
);

CREATE TABLE users (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  login text NOT NULL,
  first_name text NOT NULL DEFAULT '',
  last_name text NOT NULL DEFAULT '',
  email text NOT NULL DEFAULT '',
  role text NOT NULL CHECK (role IN ('AGENT', 'SUPERVISOR', 'ADMIN', 'SUPER_ADMIN')),
  site_id uuid,
  locale text NOT NULL DEFAULT 'fr' CHECK (locale IN ('fr', 'en')),
  password_hash text NOT NULL,
  must_change_password boolean NOT NULL DEFAULT true,
  active boolean NOT NULL DEFAULT true,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT users_tenant_key UNIQUE (tenant_id, id),
  CONSTRAINT users_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id)
);
-- Logins are unique over all tenants: the login page does not ask for an organisation.
CREATE UNIQUE INDEX users_login_unique ON users (lower(login));
CREATE INDEX users_tenant ON users (tenant_id, last_name, first_name, id);

CREATE TABLE user_sites (
  user_id uuid NOT NULL,
  site_id uuid NOT NULL,
  tenant_id uuid NOT NULL REFERENCES tenants,
  PRIMARY KEY (user_id, site_id),
  CONSTRAINT user_sites_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT user_sites_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE user_sites IS 'Sites in a supervisor''s scope; no row means every site of the tenant.';

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  refreshed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  user_agent text NOT NULL DEFAULT '',
  CONSTRAINT sessions_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
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
