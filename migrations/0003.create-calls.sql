-- depends: 0001.create-accounts 0002.create-phones-and-trunks
-- Calls, their legs and their timeline, by month; agents' time as intervals that cannot overlap.
--
-- Keys are UUIDv7: they begin with the call's instant, so the key itself is the partition key and the order
-- of paging. A call's id is derived from its source and external id (domain/ids.py), and call_keys keeps the
-- promise that one external id is one call, over all partitions.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE call_keys (
  tenant_id uuid NOT NULL REFERENCES tenants,
  source text NOT NULL,
  external_id text NOT NULL,
  call_id uuid NOT NULL,
  CONSTRAINT call_keys_pkey PRIMARY KEY (tenant_id, source, external_id)
);

CREATE TABLE calls (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  source text NOT NULL,
  external_id text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
  state text NOT NULL,
  number text NOT NULL,
  number_raw text NOT NULL DEFAULT '',
  our_number text NOT NULL DEFAULT '',
  site_id uuid,
  trunk text NOT NULL DEFAULT '',
  agent_id uuid,
  started_at timestamptz NOT NULL,
  ringing_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  talk_ms bigint NOT NULL DEFAULT 0,
  hold_ms bigint NOT NULL DEFAULT 0,
  outcome text NOT NULL DEFAULT '',
  ended_by text NOT NULL DEFAULT '',
  cause integer,
  sip integer,
  end_estimated boolean NOT NULL DEFAULT false,
  owner_epoch text NOT NULL DEFAULT '',
  revision bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX calls_tenant_id ON calls (tenant_id, id DESC);
CREATE INDEX calls_agent ON calls (tenant_id, agent_id, id DESC);
CREATE INDEX calls_number ON calls (tenant_id, number, id DESC);
CREATE INDEX calls_site ON calls (tenant_id, site_id, id DESC);
CREATE INDEX calls_open ON calls (id) WHERE ended_at IS NULL;

CREATE TABLE call_legs (
  call_id uuid NOT NULL,
  uniqueid text NOT NULL,
  tenant_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('agent', 'customer', 'other')),
  channel text NOT NULL,
  agent_id uuid,
  number text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL,
  ringing_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  hold_ms bigint NOT NULL DEFAULT 0,
  cause integer,
  sip integer,
  PRIMARY KEY (call_id, uniqueid)
) PARTITION BY RANGE (call_id);

CREATE TABLE call_events (
  call_id uuid NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  uniqueid text NOT NULL DEFAULT '',
  tenant_id uuid NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (call_id, at, kind, uniqueid)
) PARTITION BY RANGE (call_id);

CREATE FUNCTION uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT (rpad(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0'))::uuid
$$;

-- Makes the partitions of the months that [from_at, to_at] touches. Run as the owner of the tables.
CREATE FUNCTION ensure_call_partitions(from_at timestamptz, to_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  month timestamptz := date_trunc('month', from_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  following timestamptz;
  parent text;
  part text;
  made integer := 0;
BEGIN
  WHILE month <= to_at LOOP
    following := (date_trunc('month', month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    FOREACH parent IN ARRAY ARRAY['calls', 'call_legs', 'call_events'] LOOP
      part := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
      IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
          part, parent, uuid7_floor(month), uuid7_floor(following));
        made := made + 1;
      END IF;
    END LOOP;
    month := following;
  END LOOP;
  RETURN made;
END $$;
-- It runs as the owner of the tables, so not everybody may call it, as PostgreSQL would have it.
REVOKE EXECUTE ON FUNCTION ensure_call_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_call_partitions TO ccserver_system;

-- Nothing is ever refused for want of a partition.
CREATE TABLE calls_other PARTITION OF calls DEFAULT;
CREATE TABLE call_legs_other PARTITION OF call_legs DEFAULT;
CREATE TABLE call_events_other PARTITION OF call_events DEFAULT;
DO $$ BEGIN PERFORM ensure_call_partitions(now() - interval '1 month', now() + interval '3 months'); END $$;

CREATE TABLE agent_intervals (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  user_id uuid NOT NULL,
  state text NOT NULL,
  reason text NOT NULL DEFAULT '',
  call_id uuid,
  during tstzrange NOT NULL CHECK (NOT isempty(during)),
  CONSTRAINT agent_intervals_no_overlap EXCLUDE USING gist (user_id WITH =, during WITH &&),
  CONSTRAINT agent_intervals_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX agent_intervals_tenant ON agent_intervals (tenant_id, user_id, id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['call_keys', 'calls', 'call_legs', 'call_events', 'agent_intervals'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO ccserver_app USING (tenant_id = ccserver_tenant()) WITH CHECK (tenant_id = ccserver_tenant())', t);
    EXECUTE format('CREATE POLICY system ON %I TO ccserver_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ccserver_app, ccserver_system', t);
  END LOOP;
END $$;
