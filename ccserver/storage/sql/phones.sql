-- name: insert_phone
INSERT INTO phones (id, tenant_id, user_id, site_id, kind, extension, mobile, label, secret_encrypted, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)

-- name: set_extension
UPDATE phones SET extension = $2, updated_at = greatest($3, updated_at + interval '1 microsecond') WHERE user_id = $1

-- name: set_station
UPDATE phones SET kind = $2, mobile = $3, updated_at = greatest($4, updated_at + interval '1 microsecond')
WHERE user_id = $1

-- name: set_phone_secret
UPDATE phones SET secret_encrypted = $2, updated_at = greatest($3, updated_at + interval '1 microsecond')
WHERE user_id = $1

-- name: renew_phone_secret
UPDATE phones SET secret_encrypted = $2, updated_at = greatest($3, updated_at + interval '1 microsecond') WHERE id = $1

-- name: update_physical
UPDATE phones
SET site_id = $2, extension = $3, label = $4, updated_at = greatest($5, updated_at + interval '1 microsecond')
WHERE id = $1
RETURNING updated_at

-- name: delete_phone
DELETE FROM phones WHERE id = $1

-- name: lock_phone
-- For nobody else may point a number to a phone that is about to go.
SELECT id FROM phones WHERE id = $1 FOR UPDATE

-- name: get_phone
SELECT p.id, p.kind, p.extension, p.user_id, u.first_name, u.last_name, u.login, coalesce(p.site_id, u.site_id) AS site_id,
       p.label, p.mobile, p.updated_at
FROM phones p LEFT JOIN users u ON u.id = p.user_id
WHERE p.id = $1

-- name: page_of_phones
-- $1 pattern or NULL, $2 site or NULL, $3 kind or NULL, $4 the last extension of the page before or NULL, $5 limit
SELECT p.id, p.kind, p.extension, p.user_id, u.first_name, u.last_name, u.login, coalesce(p.site_id, u.site_id) AS site_id,
       p.label, p.mobile, p.updated_at
FROM phones p LEFT JOIN users u ON u.id = p.user_id
WHERE ($1::text IS NULL OR p.extension ILIKE $1 OR p.label ILIKE $1 OR p.mobile ILIKE $1 OR u.login ILIKE $1
       OR concat_ws(' ', u.first_name, u.last_name, u.first_name) ILIKE $1)
  AND ($2::uuid IS NULL OR coalesce(p.site_id, u.site_id) = $2)
  AND ($3::text IS NULL OR p.kind = $3)
  AND ($4::text IS NULL OR (length(p.extension), p.extension) > (length($4), $4))
ORDER BY length(p.extension), p.extension
LIMIT $5

-- name: taken_extensions
SELECT extension FROM phones WHERE extension = ANY ($1::text[]) ORDER BY length(extension), extension

-- name: numbers_of_phone
-- Numbers that ring this phone, by itself or as its agent's ($2, NULL for a physical one).
SELECT number FROM dids
WHERE $1 IN (phone_id, closed_phone_id, unanswered_phone_id) OR $2 IN (user_id, closed_user_id, unanswered_user_id)
ORDER BY number

-- name: account_of_phone
SELECT p.secret_encrypted AS sealed_secret, coalesce(s.codecs, '{alaw,ulaw}') AS codecs, coalesce(u.active, true) AS active
FROM phones p LEFT JOIN users u ON u.id = p.user_id LEFT JOIN sites s ON s.id = coalesce(p.site_id, u.site_id)
WHERE p.id = $1

-- name: insert_ticket
INSERT INTO provisioning_tickets (token_hash, tenant_id, phone_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)

-- name: forget_tickets
-- Those of this phone, which its new secret makes useless, and those long over.
DELETE FROM provisioning_tickets WHERE phone_id = $1 OR expires_at < $2

-- name: use_ticket
UPDATE provisioning_tickets SET used_at = $2
WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
RETURNING tenant_id, phone_id
