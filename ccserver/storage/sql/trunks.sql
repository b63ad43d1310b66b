-- name: insert_trunk
INSERT INTO trunks (id, tenant_id, site_id, slug, host, port, codecs, priority, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)

-- name: list_trunks
SELECT id, site_id, slug, host, port, codecs, priority FROM trunks ORDER BY site_id, priority, slug
