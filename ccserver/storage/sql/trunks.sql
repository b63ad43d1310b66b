-- name: insert_trunk
INSERT INTO trunks (id, tenant_id, site_id, slug, host, port, codecs, priority, name, preset, mode, transport, username,
                    from_domain, addresses, number_format, dial_prefix, qualify_seconds, active, secret_encrypted,
                    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text[]::cidr[], $16, $17, $18, $19, $20,
        $21, $21)

-- name: lock_networks
-- Two who write overlapping networks would each wait for the other's, and PostgreSQL would end one of them (a deadlock,
-- not the answer that the network is taken): they come one after the other, whatever their sites and tenants.
SELECT pg_advisory_xact_lock(6014043)

-- name: update_trunk
UPDATE trunks
SET site_id = $2, slug = $3, host = $4, port = $5, codecs = $6, priority = $7, name = $8, preset = $9, mode = $10,
    transport = $11, username = $12, from_domain = $13, addresses = $14::text[]::cidr[], number_format = $15,
    dial_prefix = $16, qualify_seconds = $17, active = $18,
    updated_at = greatest($19, updated_at + interval '1 microsecond')
WHERE id = $1
RETURNING updated_at

-- name: set_trunk_secret
UPDATE trunks SET secret_encrypted = $2 WHERE id = $1

-- name: list_trunks
SELECT id, site_id, slug, host, port, codecs, priority, name, preset, mode, transport, username,
       secret_encrypted IS NOT NULL AS has_secret, from_domain, addresses::text[] AS addresses, number_format,
       dial_prefix, qualify_seconds, active, updated_at
FROM trunks ORDER BY site_id, priority, slug

-- name: get_trunk
SELECT id, site_id, slug, host, port, codecs, priority, name, preset, mode, transport, username,
       secret_encrypted IS NOT NULL AS has_secret, from_domain, addresses::text[] AS addresses, number_format,
       dial_prefix, qualify_seconds, active, updated_at
FROM trunks WHERE id = $1

-- name: trunks_of_site
SELECT id, site_id, slug, host, port, codecs, priority, name, preset, mode, transport, username,
       secret_encrypted IS NOT NULL AS has_secret, from_domain, addresses::text[] AS addresses, number_format,
       dial_prefix, qualify_seconds, active, updated_at
FROM trunks WHERE site_id = $1 ORDER BY priority, slug

-- name: lock_trunk
-- Whoever would point to the trunk waits until this transaction ends.
SELECT id FROM trunks WHERE id = $1 FOR UPDATE

-- name: trunk_uses
SELECT count(*) AS routes FROM routes WHERE trunk_id = $1

-- name: delete_trunk
DELETE FROM trunks WHERE id = $1
