-- What `ccserver doctor` asks of a database. Read-only; as the role that owns the schema.

-- name: server
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
       current_setting('server_encoding') AS encoding, current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int AS reserved, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('timezone') AS timezone,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS ssl,
       inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8' OR inet_server_addr() = '::1' AS is_local

-- name: role
SELECT rolsuper AS superuser, rolbypassrls AS bypasses, rolcreaterole AS makes_roles, current_user::text AS name,
       has_database_privilege(current_database(), 'CREATE') AS may_create
FROM pg_roles WHERE rolname = current_user

-- name: member
SELECT coalesce(bool_and(pg_has_role(current_user, r.oid, 'MEMBER')), false) AND count(*) = 2
FROM pg_roles r WHERE r.rolname IN ('ccserver_app', 'ccserver_system')

-- name: time
SELECT clock_timestamp() AS now

-- name: unknown_zones
SELECT DISTINCT s.zone FROM sites s WHERE NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = s.zone) ORDER BY 1

-- name: zones
SELECT DISTINCT zone FROM sites ORDER BY 1

-- name: chiefs
SELECT login, must_change_password, last_login_at, password_hash FROM users
WHERE active AND role IN ('ADMIN', 'SUPER_ADMIN') ORDER BY login

-- name: trunks_in_use
SELECT slug, mode FROM trunks WHERE active ORDER BY slug
