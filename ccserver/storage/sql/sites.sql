-- name: insert_site
INSERT INTO sites (id, tenant_id, slug, name, zone, country, caller_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)

-- name: list_sites
SELECT id, slug, name, zone, country, caller_id FROM sites ORDER BY name, id

-- name: get_site
SELECT id, slug, name, zone, country, caller_id FROM sites WHERE id = $1
