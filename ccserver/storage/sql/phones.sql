-- name: insert_phone
INSERT INTO phones (id, tenant_id, user_id, extension, secret_encrypted, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)

-- name: set_extension
UPDATE phones SET extension = $2, updated_at = $3 WHERE user_id = $1

-- name: set_phone_secret
UPDATE phones SET secret_encrypted = $2, updated_at = $3 WHERE user_id = $1

-- name: delete_phone
DELETE FROM phones WHERE user_id = $1
