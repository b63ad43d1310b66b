-- name: set_tenant
SELECT set_config('ccserver.tenant', $1, true)

-- name: applied_migrations
SELECT migration_id FROM _yoyo_migration

-- name: probe
SELECT 1
