-- The history of calls as pages read it.

-- name: rows_of_calls
-- $12 is the id of the only call that is wanted. As a bound of the range and not as "$12 IS NULL OR c.id = $12", so that
-- the plan for all parameters still finds it by the index, in its one partition.
SELECT c.id, c.direction, c.state, c.number, c.our_number, c.agent_id, c.site_id, c.trunk, c.started_at, c.ringing_at,
  c.answered_at, c.ended_at, c.talk_ms, c.hold_ms, c.outcome, c.ended_by, c.cause, c.sip, c.end_estimated,
  coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.login, '') AS agent, coalesce(s.name, '') AS site,
  coalesce(p.party, '') AS party
FROM calls c
LEFT JOIN users u ON u.id = c.agent_id
LEFT JOIN sites s ON s.id = c.site_id
LEFT JOIN LATERAL (
  -- Who had a call that no agent had: a physical phone, or the number that the caller was sent to.
  SELECT CASE WHEN f.label <> '' THEN f.label || ' (' || l.number || ')' ELSE l.number END AS party
  FROM call_legs l
  LEFT JOIN phones f ON f.tenant_id = l.tenant_id AND f.extension = l.number AND f.user_id IS NULL
  WHERE l.call_id = c.id AND l.role = 'agent'
  ORDER BY l.started_at DESC LIMIT 1
) p ON c.agent_id IS NULL
WHERE c.tenant_id = $1
  AND c.id >= coalesce($12::uuid, uuid7_floor($2::timestamptz), '00000000-0000-0000-0000-000000000000')
  AND c.id <= coalesce($12::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND c.id < coalesce(uuid7_floor($3::timestamptz), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND c.id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND ($5::text IS NULL OR c.direction = $5)
  AND ($6::text IS NULL OR c.outcome = $6)
  AND ($7::text IS NULL OR c.number LIKE '%' || $7 || '%')
  AND ($8::uuid IS NULL OR c.agent_id = $8)
  AND ($9::uuid IS NULL OR c.site_id = $9)
  AND ($10::uuid[] IS NULL OR c.site_id = ANY($10))
ORDER BY c.id DESC
LIMIT $11

-- name: events_of
SELECT at, kind, uniqueid, detail FROM call_events WHERE call_id = $1
ORDER BY at, array_position(ARRAY['placed', 'routed', 'leg_created', 'ringing', 'answered', 'connected', 'hold',
  'unhold', 'hangup_asked', 'leg_ended', 'way_failed', 'ended'], kind)
