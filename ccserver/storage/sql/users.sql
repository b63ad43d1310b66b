-- name: insert_tenant
INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $2, $3, $4)

-- name: first_tenant
SELECT id FROM tenants ORDER BY created_at, id LIMIT 1

-- name: lock_bootstrap
SELECT pg_advisory_xact_lock(6014041)

-- name: has_administrator
SELECT EXISTS (SELECT FROM users WHERE role IN ('ADMIN', 'SUPER_ADMIN'))

-- name: insert_user
INSERT INTO users (id, tenant_id, login, first_name, last_name, email, role, site_id, locale, password_hash,
                   must_change_password, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)

-- name: update_user
UPDATE users
SET login = $2, first_name = $3, last_name = $4, email = $5, role = $6, site_id = $7, locale = $8, active = $9,
    updated_at = greatest($10, updated_at + interval '1 microsecond')
WHERE id = $1

-- name: set_locale
UPDATE users SET locale = $2, updated_at = greatest($3, updated_at + interval '1 microsecond') WHERE id = $1

-- name: set_password
UPDATE users
SET password_hash = $2, must_change_password = $3, updated_at = greatest($4, updated_at + interval '1 microsecond')
WHERE id = $1

-- name: rehash_password
-- Only if nobody changed the password meanwhile.
UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2

-- name: note_login
UPDATE users SET last_login_at = $2 WHERE id = $1

-- name: delete_user_sites
DELETE FROM user_sites WHERE user_id = $1

-- name: insert_user_sites
INSERT INTO user_sites (user_id, site_id, tenant_id) SELECT $1, unnest($2::uuid[]), $3

-- name: credentials_by_login
SELECT id, tenant_id, login, role, password_hash, must_change_password, active
FROM users WHERE lower(login) = lower($1)

-- name: credentials_by_id
SELECT id, tenant_id, login, role, password_hash, must_change_password, active
FROM users WHERE id = $1 FOR UPDATE

-- name: get_user
SELECT u.id, u.login, u.first_name, u.last_name, u.email, u.role, u.site_id, u.locale, u.active,
       u.must_change_password, u.last_login_at, u.created_at, u.updated_at, coalesce(p.extension, '') AS extension,
       p.id AS phone_id, coalesce(p.kind, '') AS station, coalesce(p.mobile, '') AS mobile,
       ARRAY(SELECT us.site_id FROM user_sites us WHERE us.user_id = u.id ORDER BY us.site_id) AS site_ids
FROM users u LEFT JOIN phones p ON p.user_id = u.id
WHERE u.id = $1

-- name: lock_user
SELECT id FROM users WHERE id = $1 FOR UPDATE

-- name: page_of_users
-- $1 pattern or NULL, $2 active or NULL, $3..$5 the last row of the page before or NULL, $6 limit
SELECT u.id, u.login, u.first_name, u.last_name, u.email, u.role, u.site_id, u.locale, u.active,
       u.must_change_password, u.last_login_at, u.created_at, u.updated_at, coalesce(p.extension, '') AS extension,
       p.id AS phone_id, coalesce(p.kind, '') AS station, coalesce(p.mobile, '') AS mobile,
       ARRAY(SELECT us.site_id FROM user_sites us WHERE us.user_id = u.id ORDER BY us.site_id) AS site_ids
FROM users u LEFT JOIN phones p ON p.user_id = u.id
WHERE ($1::text IS NULL OR concat_ws(' ', u.first_name, u.last_name, u.first_name) ILIKE $1
       OR u.login ILIKE $1 OR u.email ILIKE $1 OR p.extension ILIKE $1)
  AND ($2::boolean IS NULL OR u.active = $2)
  AND ($5::uuid IS NULL OR (u.last_name, u.first_name, u.id) > ($3, $4, $5))
ORDER BY u.last_name, u.first_name, u.id
LIMIT $6

-- name: taken_logins
SELECT lower(login) AS login FROM users WHERE lower(login) = ANY ($1::text[])
