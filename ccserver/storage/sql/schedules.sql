-- name: insert_schedule
INSERT INTO schedules (id, tenant_id, name, zone, holidays, hours, exceptions, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)

-- name: update_schedule
UPDATE schedules
SET name = $2, zone = $3, holidays = $4, hours = $5, exceptions = $6,
    updated_at = greatest($7, updated_at + interval '1 microsecond')
WHERE id = $1
RETURNING updated_at

-- name: list_schedules
SELECT id, tenant_id, name, zone, holidays, hours::text AS hours, exceptions::text AS exceptions, updated_at
FROM schedules ORDER BY name, id

-- name: get_schedule
SELECT id, tenant_id, name, zone, holidays, hours::text AS hours, exceptions::text AS exceptions, updated_at
FROM schedules WHERE id = $1

-- name: lock_schedule
-- Whoever would point to the schedule waits until this transaction ends.
SELECT id FROM schedules WHERE id = $1 FOR UPDATE

-- name: schedule_uses
SELECT count(*) AS dids FROM dids WHERE schedule_id = $1

-- name: delete_schedule
DELETE FROM schedules WHERE id = $1
