-- name: insert_audit
INSERT INTO audit_log (id, tenant_id, at, user_id, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: last_change
-- Who changed a thing last. $1 its id, $2 the first part of the action, $3 the smallest id of a line that can tell;
-- what was changed together with others is among the ids of detail.
SELECT a.at, a.user_id, coalesce(nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), ''), u.login, '') AS name
FROM audit_log a LEFT JOIN users u ON u.id = a.user_id
WHERE a.id >= $3 AND split_part(a.action, '.', 1) = $2 AND (a.target = $1 OR strpos(a.detail ->> 'ids', $1) > 0)
ORDER BY a.id DESC
LIMIT 1
