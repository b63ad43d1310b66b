-- name: insert_session
INSERT INTO sessions (id, tenant_id, user_id, created_at, refreshed_at, expires_at, address, user_agent)
VALUES ($1, $2, $3, $4, $4, $5, $6, $7)

-- name: insert_refresh_token
INSERT INTO refresh_tokens (token_hash, session_id, tenant_id, issued_at) VALUES ($1, $2, $3, $4)

-- name: refresh_token
-- Both rows are locked: of two requests with one token, the second sees that it was used.
SELECT t.session_id, t.used_at, s.tenant_id, s.user_id, s.expires_at, s.ended_at, s.end_reason
FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
WHERE t.token_hash = $1
FOR UPDATE

-- name: use_refresh_token
UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1

-- name: note_refresh
UPDATE sessions SET refreshed_at = $2 WHERE id = $1

-- name: actors
SELECT s.id AS session_id, s.refreshed_at, s.expires_at, s.ended_at, s.end_reason, u.id AS user_id, u.tenant_id, u.login, u.role,
       u.locale, u.must_change_password, u.active,
       ARRAY(SELECT us.site_id FROM user_sites us WHERE us.user_id = u.id) AS site_ids
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = ANY ($1::uuid[])

-- name: end_session
UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL RETURNING id

-- name: end_sessions_of_user
-- $4: a session to leave alone, or NULL
UPDATE sessions SET ended_at = $2, end_reason = $3
WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $4
RETURNING id

-- name: lock_user_sessions
-- Two logins of one user at once would each end only the sessions that they see.
SELECT id FROM users WHERE id = $1 FOR UPDATE

-- name: forget_sessions
DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < $1

-- name: lock_failures
INSERT INTO login_failures (key, failures, last_at) VALUES ($1, 0, $2)
ON CONFLICT (key) DO UPDATE SET key = excluded.key
RETURNING failures, last_at, blocked_until

-- name: set_failures
UPDATE login_failures SET failures = $2, last_at = $3, blocked_until = $4 WHERE key = $1

-- name: forget_failures
DELETE FROM login_failures WHERE key = $1

-- name: forgive_failure
UPDATE login_failures SET failures = greatest(failures - 1, 0), blocked_until = NULL WHERE key = $1

-- name: forget_old_failures
DELETE FROM login_failures WHERE last_at < $1
