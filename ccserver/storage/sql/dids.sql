-- name: insert_did
INSERT INTO dids (id, tenant_id, site_id, number, user_id, label, created_at, updated_at, target)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, CASE WHEN $5::uuid IS NULL THEN 'none' ELSE 'agent' END)

-- name: list_dids
SELECT id, site_id, number, user_id, label FROM dids ORDER BY number
