-- name: insert_audit
INSERT INTO audit_log (id, tenant_id, at, user_id, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)
