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

-- name: update_did
UPDATE dids
SET site_id = $2, label = $3, schedule_id = $4, target = $5, user_id = $6, phone_id = $7, forward_to = $8,
    closed_target = $9, closed_user_id = $10, closed_phone_id = $11, closed_forward_to = $12,
    unanswered_target = $13, unanswered_user_id = $14, unanswered_phone_id = $15, unanswered_forward_to = $16,
    ring_seconds = $17, updated_at = $18
WHERE id = $1

-- name: list_dids
SELECT id, site_id, number, label, schedule_id, target, user_id, phone_id, forward_to, closed_target, closed_user_id,
       closed_phone_id, closed_forward_to, unanswered_target, unanswered_user_id, unanswered_phone_id,
       unanswered_forward_to, ring_seconds
FROM dids ORDER BY number

-- name: get_did
SELECT id, site_id, number, label, schedule_id, target, user_id, phone_id, forward_to, closed_target, closed_user_id,
       closed_phone_id, closed_forward_to, unanswered_target, unanswered_user_id, unanswered_phone_id,
       unanswered_forward_to, ring_seconds
FROM dids WHERE id = $1

-- name: lock_did
SELECT id FROM dids WHERE id = $1 FOR UPDATE

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
