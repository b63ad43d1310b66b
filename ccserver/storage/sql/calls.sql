-- What the telephony owner writes and resumes from. Writes are replayed at will: keys and revisions make a second
-- time harmless.

-- name: put_key
INSERT INTO call_keys (tenant_id, source, external_id, call_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, source, external_id) DO NOTHING

-- name: put_call
INSERT INTO calls AS old (
  id, tenant_id, source, external_id, direction, state, number, number_raw, our_number, site_id, trunk, agent_id,
  started_at, ringing_at, answered_at, ended_at, talk_ms, hold_ms, outcome, ended_by, cause, sip, end_estimated,
  owner_epoch, revision
) VALUES (
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25
)
ON CONFLICT (id) DO UPDATE SET
  state = excluded.state, number = excluded.number, our_number = excluded.our_number, site_id = excluded.site_id,
  trunk = excluded.trunk, agent_id = excluded.agent_id,
  ringing_at = coalesce(old.ringing_at, excluded.ringing_at),
  answered_at = coalesce(old.answered_at, excluded.answered_at),
  ended_at = excluded.ended_at, talk_ms = excluded.talk_ms, hold_ms = excluded.hold_ms,
  outcome = excluded.outcome, ended_by = excluded.ended_by, cause = excluded.cause, sip = excluded.sip,
  end_estimated = excluded.end_estimated, owner_epoch = excluded.owner_epoch, revision = excluded.revision
WHERE ((old.owner_epoch, old.revision) < (excluded.owner_epoch, excluded.revision)
    -- A true end is never taken back, nor replaced by a guess.
    AND (old.ended_at IS NULL OR old.end_estimated OR (excluded.ended_at IS NOT NULL AND NOT excluded.end_estimated)))
  -- The old owner's journal, drained late, knows the true end of what the new owner could only guess.
  OR (old.end_estimated AND excluded.ended_at IS NOT NULL AND NOT excluded.end_estimated)

-- name: put_leg
INSERT INTO call_legs AS old (
  call_id, uniqueid, tenant_id, role, channel, agent_id, number, started_at, ringing_at, answered_at, ended_at,
  hold_ms, cause, sip
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (call_id, uniqueid) DO UPDATE SET
  ringing_at = coalesce(excluded.ringing_at, old.ringing_at),
  answered_at = coalesce(excluded.answered_at, old.answered_at),
  ended_at = coalesce(excluded.ended_at, old.ended_at),
  hold_ms = greatest(excluded.hold_ms, old.hold_ms),
  cause = coalesce(excluded.cause, old.cause),
  sip = coalesce(excluded.sip, old.sip)

-- name: put_event
INSERT INTO call_events (call_id, at, kind, uniqueid, tenant_id, detail) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (call_id, at, kind, uniqueid) DO NOTHING

-- name: put_interval
INSERT INTO agent_intervals AS old (id, tenant_id, user_id, state, reason, call_id, during)
VALUES ($1, $2, $3, $4, $5, $6, tstzrange($7, $8))
ON CONFLICT (id) DO UPDATE SET during = excluded.during WHERE upper_inf(old.during) AND NOT upper_inf(excluded.during)

-- name: drop_interval
DELETE FROM agent_intervals WHERE id = $1 AND upper_inf(during)

-- name: open_calls
SELECT id, tenant_id, source, external_id, direction, state, number, number_raw, our_number, site_id, trunk, agent_id,
  started_at, ringing_at, answered_at, talk_ms, hold_ms, outcome, ended_by, revision
FROM calls WHERE ended_at IS NULL AND source = 'asterisk' ORDER BY id

-- name: legs_of
SELECT call_id, uniqueid, role, channel, agent_id, number, started_at, ringing_at, answered_at, ended_at, hold_ms,
  cause, sip
FROM call_legs WHERE call_id = ANY($1) ORDER BY started_at, uniqueid

-- name: holds_of
SELECT call_id, uniqueid, max(at) FILTER (WHERE kind = 'hold') AS held_at
FROM call_events WHERE call_id = ANY($1) AND kind IN ('hold', 'unhold')
GROUP BY call_id, uniqueid
HAVING max(at) FILTER (WHERE kind = 'hold') > coalesce(max(at) FILTER (WHERE kind = 'unhold'), '-infinity')

-- name: clock
SELECT clock_timestamp()

-- name: asked_of
SELECT DISTINCT ON (call_id) call_id, coalesce(detail ->> 'role', '') AS role
FROM call_events WHERE call_id = ANY($1) AND kind = 'hangup_asked' ORDER BY call_id, at

-- name: open_intervals
SELECT id, tenant_id, user_id, state, reason, call_id, lower(during) AS begun_at
FROM agent_intervals WHERE upper_inf(during) ORDER BY id

-- name: last_seen_at
-- Of the newest calls only: an instant that is too early costs a longer reading of CEL, never a fact.
SELECT max(at) AS at FROM call_events WHERE call_id IN (
  SELECT id FROM calls WHERE id >= uuid7_floor(now() - interval '2 days') ORDER BY id DESC LIMIT 1000
)

-- name: ended_since
SELECT id FROM calls WHERE id >= uuid7_floor($1) AND ended_at IS NOT NULL AND source = 'asterisk'

-- name: logged_in
SELECT DISTINCT ON (user_id) user_id, id AS session_id FROM sessions
WHERE ended_at IS NULL AND expires_at > now() ORDER BY user_id, created_at DESC

-- name: ensure_partitions
SELECT ensure_call_partitions(now() - interval '1 month', now() + interval '3 months')
