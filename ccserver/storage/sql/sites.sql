-- name: insert_site
INSERT INTO sites (id, tenant_id, slug, name, zone, country, caller_id, area, subnets, codecs, allowed_prefixes,
                   created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text[]::cidr[], $10, $11, $12, $12)

-- name: update_site
UPDATE sites
SET name = $2, zone = $3, country = $4, caller_id = $5, area = $6, subnets = $7::text[]::cidr[], codecs = $8,
    allowed_prefixes = $9, updated_at = greatest($10, updated_at + interval '1 microsecond')
WHERE id = $1
RETURNING updated_at

-- name: list_sites
SELECT id, slug, name, zone, country, caller_id, area, subnets::text[] AS subnets, codecs, allowed_prefixes, updated_at
FROM sites ORDER BY name, id

-- name: get_site
SELECT id, slug, name, zone, country, caller_id, area, subnets::text[] AS subnets, codecs, allowed_prefixes, updated_at
FROM sites WHERE id = $1

-- name: lock_site
-- Whoever would point to the site waits until this transaction ends.
SELECT id FROM sites WHERE id = $1 FOR UPDATE

-- name: site_uses
-- Supervisors' scopes count: without the last site of their list they would see every site.
SELECT (SELECT count(*) FROM users u WHERE u.site_id = $1
          OR EXISTS (SELECT FROM user_sites us WHERE us.user_id = u.id AND us.site_id = $1)) AS users,
       (SELECT count(*) FROM phones WHERE site_id = $1) AS phones,
       (SELECT count(*) FROM dids WHERE site_id = $1) AS dids,
       (SELECT count(*) FROM trunks WHERE site_id = $1) AS trunks

-- name: delete_site
DELETE FROM sites WHERE id = $1
