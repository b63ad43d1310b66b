-- depends: 0003.create-calls
-- Everything that Asterisk's configuration is made of: sites with their networks and rules, trunks that register,
-- phones without an agent, opening schedules, outgoing routes, and the history of what was applied.

ALTER TABLE sites
  ADD COLUMN area text NOT NULL DEFAULT '' CHECK (area ~ '^[0-9]{0,6}$'),
  ADD COLUMN subnets cidr[] NOT NULL DEFAULT '{}',
  ADD COLUMN codecs text[] NOT NULL DEFAULT '{alaw,ulaw}',
  ADD COLUMN allowed_prefixes text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN sites.area IS 'Area code put before a local number that has none.';
COMMENT ON COLUMN sites.subnets IS 'Networks from which the site''s SIP phones may register; empty: from anywhere.';
COMMENT ON COLUMN sites.allowed_prefixes IS 'E.164 prefixes that may be called; empty: all. Emergency and short numbers always may.';

ALTER TABLE trunks
  ADD COLUMN name text NOT NULL DEFAULT '',
  ADD COLUMN preset text NOT NULL DEFAULT 'generic' CHECK (preset IN ('yeastar_s', 'yeastar_p', 'ovh', 'generic')),
  ADD COLUMN mode text NOT NULL DEFAULT 'peer' CHECK (mode IN ('peer', 'register')),
  ADD COLUMN transport text NOT NULL DEFAULT 'udp' CHECK (transport IN ('udp', 'tcp', 'tls')),
  ADD COLUMN username text NOT NULL DEFAULT '',
  ADD COLUMN secret_encrypted bytea,
  ADD COLUMN from_domain text NOT NULL DEFAULT '',
  ADD COLUMN addresses cidr[] NOT NULL DEFAULT '{}',
  ADD COLUMN number_format text NOT NULL DEFAULT 'national' CHECK (number_format IN ('national', 'e164', 'digits')),
  ADD COLUMN dial_prefix text NOT NULL DEFAULT '' CHECK (dial_prefix ~ '^[0-9*#]{0,8}$'),
  ADD COLUMN qualify_seconds integer NOT NULL DEFAULT 10 CHECK (qualify_seconds BETWEEN 0 AND 3600),
  ADD COLUMN active boolean NOT NULL DEFAULT true;
ALTER TABLE trunks DROP CONSTRAINT trunks_address_unique;
-- Asterisk tells traffic apart by its source address alone, whatever the port: the second trunk of an address was left
-- out of its configuration all along. It is kept, but not in use.
UPDATE trunks t SET active = false WHERE EXISTS (SELECT FROM trunks o WHERE o.host = t.host AND o.id < t.id);
CREATE UNIQUE INDEX trunks_address_unique ON trunks (host) WHERE mode = 'peer' AND active;
CREATE UNIQUE INDEX trunks_account_unique ON trunks (host, username) WHERE mode = 'register' AND active;
COMMENT ON COLUMN trunks.addresses IS 'Further networks whose traffic is this trunk''s, beside its host.';
COMMENT ON COLUMN trunks.number_format IS 'How numbers are sent: national (0123456789, 0044...), e164 (+33...), digits (33...).';
COMMENT ON COLUMN trunks.dial_prefix IS 'Digits that the gateway wants in front of an outside number.';

ALTER TABLE trunks ADD CONSTRAINT trunks_tenant_key UNIQUE (tenant_id, id);

-- Whose traffic an address is, over all tenants: filled from trunks in use, by the trigger below.
CREATE TABLE trunk_networks (
  trunk_id uuid NOT NULL,
  tenant_id uuid NOT NULL REFERENCES tenants,
  network cidr NOT NULL,
  CONSTRAINT trunk_networks_trunk_fkey FOREIGN KEY (tenant_id, trunk_id) REFERENCES trunks (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT trunk_networks_overlap EXCLUDE USING gist (trunk_id WITH <>, network inet_ops WITH &&)
);
CREATE FUNCTION trunk_networks_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE own inet;
BEGIN
  DELETE FROM trunk_networks WHERE trunk_id = NEW.id;
  IF NOT NEW.active THEN RETURN NULL; END IF;
  IF NEW.mode = 'peer' THEN
    BEGIN
      own := NEW.host::inet;
    EXCEPTION WHEN invalid_text_representation THEN own := NULL; -- a host name, whose address only Asterisk knows
    END;
  END IF;
  INSERT INTO trunk_networks (trunk_id, tenant_id, network)
  SELECT NEW.id, NEW.tenant_id, n FROM unnest(NEW.addresses || own::cidr) n WHERE n IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER trunk_networks_follow AFTER INSERT OR UPDATE OF host, addresses, mode, active ON trunks
  FOR EACH ROW EXECUTE FUNCTION trunk_networks_follow();

ALTER TABLE phones
  ALTER COLUMN user_id DROP NOT NULL,
  ADD COLUMN site_id uuid,
  ADD COLUMN kind text NOT NULL DEFAULT 'softphone' CHECK (kind IN ('softphone', 'browser', 'mobile', 'physical')),
  ADD COLUMN mobile text NOT NULL DEFAULT '' CHECK (mobile ~ '^(\+[0-9]{4,15})?$'),
  ADD COLUMN label text NOT NULL DEFAULT '',
  ADD CONSTRAINT phones_tenant_key UNIQUE (tenant_id, id),
  ADD CONSTRAINT phones_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id),
  -- An agent's phone is where its agent is; a physical one stands at a site and belongs to nobody.
  ADD CONSTRAINT phones_owner CHECK ((kind = 'physical') = (user_id IS NULL) AND (kind = 'physical') = (site_id IS NOT NULL)),
  ADD CONSTRAINT phones_mobile CHECK ((kind = 'mobile') = (mobile <> ''));

CREATE TABLE provisioning_tickets (
  token_hash bytea PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  phone_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT provisioning_tickets_phone_fkey
    FOREIGN KEY (tenant_id, phone_id) REFERENCES phones (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX provisioning_tickets_phone ON provisioning_tickets (phone_id);
COMMENT ON TABLE provisioning_tickets IS 'One-time addresses by which a softphone fetches its account; only SHA-256 hashes.';

CREATE TABLE schedules (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  name text NOT NULL,
  zone text NOT NULL DEFAULT 'Europe/Paris',
  holidays text NOT NULL DEFAULT '',
  hours jsonb NOT NULL DEFAULT '[]',
  exceptions jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT schedules_tenant_key UNIQUE (tenant_id, id),
  CONSTRAINT schedules_name_unique UNIQUE (tenant_id, name)
);
COMMENT ON TABLE schedules IS 'Opening hours; hours and exceptions have the shape of domain/schedule.py.';

ALTER TABLE dids
  ADD COLUMN target text NOT NULL DEFAULT 'none',
  ADD COLUMN phone_id uuid,
  ADD COLUMN forward_to text NOT NULL DEFAULT '',
  ADD COLUMN schedule_id uuid,
  ADD COLUMN closed_target text NOT NULL DEFAULT 'none',
  ADD COLUMN closed_user_id uuid,
  ADD COLUMN closed_phone_id uuid,
  ADD COLUMN closed_forward_to text NOT NULL DEFAULT '',
  ADD CONSTRAINT dids_phone_fkey FOREIGN KEY (tenant_id, phone_id) REFERENCES phones (tenant_id, id),
  ADD CONSTRAINT dids_closed_phone_fkey FOREIGN KEY (tenant_id, closed_phone_id) REFERENCES phones (tenant_id, id),
  ADD CONSTRAINT dids_closed_user_fkey FOREIGN KEY (tenant_id, closed_user_id) REFERENCES users (tenant_id, id),
  ADD CONSTRAINT dids_schedule_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedules (tenant_id, id);
UPDATE dids SET target = 'agent' WHERE user_id IS NOT NULL;
ALTER TABLE dids
  ADD CONSTRAINT dids_target CHECK (
    target IN ('none', 'agent', 'phone', 'number', 'voicemail')
    AND (target = 'agent') = (user_id IS NOT NULL)
    AND (target = 'phone') = (phone_id IS NOT NULL)
    AND (target = 'number') = (forward_to <> '')),
  ADD CONSTRAINT dids_closed_target CHECK (
    closed_target IN ('none', 'agent', 'phone', 'number', 'voicemail')
    AND (closed_target = 'agent') = (closed_user_id IS NOT NULL)
    AND (closed_target = 'phone') = (closed_phone_id IS NOT NULL)
    AND (closed_target = 'number') = (closed_forward_to <> ''));

CREATE TABLE routes (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  site_id uuid NOT NULL,
  trunk_id uuid NOT NULL,
  prefix text NOT NULL DEFAULT '' CHECK (prefix ~ '^(\+[1-9][0-9]{0,14})?$'),
  priority integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT routes_unique UNIQUE (site_id, prefix, trunk_id),
  CONSTRAINT routes_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT routes_trunk_fkey FOREIGN KEY (tenant_id, trunk_id) REFERENCES trunks (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE routes IS 'Which trunks a site''s calls try: longest prefix first, then priority. None: the site''s own trunks.';

CREATE TABLE pbx_revisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  ended_at timestamptz,
  user_id uuid,
  who text NOT NULL,
  origin text NOT NULL CHECK (origin IN ('page', 'command', 'automatic')),
  action text NOT NULL CHECK (action IN ('apply', 'rollback')),
  fingerprint text NOT NULL,
  result text NOT NULL CHECK (result IN ('running', 'applied', 'refused', 'rolled_back', 'failed', 'interrupted')),
  files text[] NOT NULL DEFAULT '{}',
  message text NOT NULL DEFAULT '',
  detail jsonb NOT NULL DEFAULT '{}',
  diff text NOT NULL DEFAULT ''
);
COMMENT ON TABLE pbx_revisions IS 'Each apply and rollback of Asterisk''s configuration: who, what, result. Secrets in diff are masked.';

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['provisioning_tickets', 'schedules', 'routes', 'trunk_networks'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO ccserver_app USING (tenant_id = ccserver_tenant()) WITH CHECK (tenant_id = ccserver_tenant())', t);
    EXECUTE format('CREATE POLICY system ON %I TO ccserver_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ccserver_app, ccserver_system', t);
  END LOOP;
END $$;
ALTER TABLE pbx_revisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY system ON pbx_revisions TO ccserver_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON pbx_revisions TO ccserver_system;
-- The addresses of the trunks that are there already.
UPDATE trunks SET host = host;
