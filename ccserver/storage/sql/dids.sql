-- name: insert_dids
-- $1 ids and $2 numbers, side by side. Numbers that exist (anybody's) are left out of the answer.
INSERT INTO dids (id, tenant_id, site_id, number, label, schedule_id, target, user_id, phone_id, forward_to,
                  closed_target, closed_user_id, closed_phone_id, closed_forward_to,
                  unanswered_target, unanswered_user_id, unanswered_phone_id, unanswered_forward_to, ring_seconds,
                  created_at, updated_at)
SELECT made.id, $3, $4, made.number, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20
FROM unnest($1::uuid[], $2::text[]) AS made (id, number)
ON CONFLICT ON CONSTRAINT dids_number_unique DO NOTHING
RETURNING number

-- name: update_dids
-- $1 ids and $2 labels, side by side; everything else the numbers share.
UPDATE dids
SET site_id = $3, label = made.label, schedule_id = $4, target = $5, user_id = $6, phone_id = $7, forward_to = $8,
    closed_target = $9, closed_user_id = $10, closed_phone_id = $11, closed_forward_to = $12,
    unanswered_target = $13, unanswered_user_id = $14, unanswered_phone_id = $15, unanswered_forward_to = $16,
    ring_seconds = $17, updated_at = greatest($18, dids.updated_at + interval '1 microsecond')
FROM unnest($1::uuid[], $2::text[]) AS made (id, label)
WHERE dids.id = made.id
RETURNING dids.id, dids.updated_at

-- name: page_of_dids
-- $1 pattern or NULL, $2 the same as digits of a number, $3 site or NULL, $4 the last number of the page before or NULL,
-- $5 limit. total: how many there are on all pages.
WITH found AS MATERIALIZED (
  SELECT d.id, d.site_id, d.number, d.label, d.schedule_id, d.target, d.user_id, d.phone_id, d.forward_to, d.closed_target,
         d.closed_user_id, d.closed_phone_id, d.closed_forward_to, d.unanswered_target, d.unanswered_user_id,
         d.unanswered_phone_id, d.unanswered_forward_to, d.ring_seconds, d.updated_at
  FROM dids d
  WHERE ($3::uuid IS NULL OR d.site_id = $3)
    AND ($1::text IS NULL OR d.label ILIKE $1
         OR d.number LIKE $2 OR d.forward_to LIKE $2 OR d.closed_forward_to LIKE $2 OR d.unanswered_forward_to LIKE $2
         OR EXISTS (SELECT FROM schedules s WHERE s.id = d.schedule_id AND s.name ILIKE $1)
         OR EXISTS (SELECT FROM users u LEFT JOIN phones p ON p.user_id = u.id
                    WHERE u.id IN (d.user_id, d.closed_user_id, d.unanswered_user_id)
                      AND (concat_ws(' ', u.first_name, u.last_name, u.first_name) ILIKE $1 OR u.login ILIKE $1
                           OR p.extension ILIKE $1))
         OR EXISTS (SELECT FROM phones p WHERE p.id IN (d.phone_id, d.closed_phone_id, d.unanswered_phone_id)
                      AND (p.label ILIKE $1 OR p.extension ILIKE $1)))
)
SELECT f.*, (SELECT count(*) FROM found) AS total
FROM found f
WHERE $4::text IS NULL OR f.number > $4
ORDER BY f.number
LIMIT $5

-- name: count_dids
SELECT site_id, schedule_id, count(*) AS dids FROM dids GROUP BY site_id, schedule_id

-- name: get_did
SELECT id, site_id, number, label, schedule_id, target, user_id, phone_id, forward_to, closed_target, closed_user_id,
       closed_phone_id, closed_forward_to, unanswered_target, unanswered_user_id, unanswered_phone_id,
       unanswered_forward_to, ring_seconds, updated_at
FROM dids WHERE id = $1

-- name: lock_did
SELECT id FROM dids WHERE id = $1 FOR UPDATE

-- name: lock_dids
-- In one order for everybody: of two who change many at once, one waits for the other.
SELECT id, site_id, number, label, schedule_id, target, user_id, phone_id, forward_to, closed_target, closed_user_id,
       closed_phone_id, closed_forward_to, unanswered_target, unanswered_user_id, unanswered_phone_id,
       unanswered_forward_to, ring_seconds, updated_at
FROM dids WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE

-- name: dids_of_range
-- Those of site $1 from number $2 to $3.
SELECT id FROM dids WHERE site_id = $1 AND length(number) = length($2) AND number BETWEEN $2 AND $3 ORDER BY number LIMIT $4

-- name: lock_forwards
-- Two numbers that are made to forward to each other at the same instant: one of them waits, and sees the other.
SELECT pg_advisory_xact_lock(6014042, hashtext($1::text))

-- name: forwards
SELECT number, forward_to, closed_forward_to, unanswered_forward_to FROM dids
WHERE forward_to <> '' OR closed_forward_to <> '' OR unanswered_forward_to <> ''

-- name: user_to_ring
SELECT u.active, EXISTS (SELECT FROM phones p WHERE p.user_id = u.id) AS phone FROM users u WHERE u.id = $1
FOR SHARE OF u

-- name: physical_phone
SELECT true FROM phones WHERE id = $1 AND kind = 'physical' FOR SHARE

-- name: delete_did
DELETE FROM dids WHERE id = $1
