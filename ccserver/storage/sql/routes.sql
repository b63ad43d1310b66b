-- name: insert_route
INSERT INTO routes (id, tenant_id, site_id, trunk_id, prefix, priority, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)

-- name: set_route_priority
UPDATE routes SET priority = $2, updated_at = $3 WHERE id = $1

-- name: delete_routes
DELETE FROM routes WHERE id = ANY ($1::uuid[])

-- name: list_routes
SELECT r.id, r.site_id, r.trunk_id, r.prefix, r.priority
FROM routes r JOIN trunks t ON t.id = r.trunk_id
ORDER BY r.site_id, r.prefix, r.priority, t.slug

-- name: routes_of_site
SELECT id, site_id, trunk_id, prefix, priority FROM routes WHERE site_id = $1 ORDER BY prefix, priority, id

-- name: known_trunks
SELECT id FROM trunks WHERE id = ANY ($1::uuid[]) FOR KEY SHARE
