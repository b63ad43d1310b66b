-- name: insert_did
INSERT INTO dids (id, tenant_id, site_id, number, user_id, label, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)

-- name: list_dids
SELECT id, site_id, number, user_id, label FROM dids ORDER BY number
