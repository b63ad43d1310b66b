-- name: insert_revision
INSERT INTO pbx_revisions (at, user_id, who, origin, action, fingerprint, result, files, detail, diff)
VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8, $9) RETURNING id

-- name: end_revision
UPDATE pbx_revisions SET ended_at = $2, result = $3, message = $4, detail = detail || $5::jsonb
WHERE id = $1 AND result = 'running'

-- name: end_lost_revisions
UPDATE pbx_revisions SET ended_at = $1, result = 'interrupted', message = $2 WHERE result = 'running'

-- name: list_revisions
SELECT id, at, ended_at, user_id, who, origin, action, fingerprint, result, files, message,
  jsonb_array_length(coalesce(detail -> 'objects', '[]')) AS changes
FROM pbx_revisions WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2

-- name: get_revision
SELECT id, at, ended_at, user_id, who, origin, action, fingerprint, result, files, message, diff,
  jsonb_array_length(coalesce(detail -> 'objects', '[]')) AS changes,
  coalesce(detail -> 'objects', '[]')::text AS objects, coalesce(detail -> 'steps', '[]')::text AS steps
FROM pbx_revisions WHERE id = $1

-- name: kept_revisions
SELECT id FROM pbx_revisions WHERE result = 'applied' ORDER BY id DESC LIMIT $1

-- name: who_runs
SELECT who FROM pbx_revisions WHERE result = 'running' ORDER BY id DESC LIMIT 1

-- name: tenant_ids
SELECT id FROM tenants ORDER BY created_at, id LIMIT 2
