-- name: directory_agents
SELECT u.id, u.tenant_id, u.login, u.first_name, u.last_name, u.site_id, p.extension, u.active,
       p.id AS phone_id, p.kind AS station, p.mobile
FROM users u JOIN phones p ON p.user_id = u.id
ORDER BY u.last_name, u.first_name, u.id

-- name: directory_phones
SELECT id, tenant_id, site_id, extension, label FROM phones WHERE kind = 'physical' ORDER BY extension

-- name: directory_sites
SELECT id, tenant_id, slug, name, zone, country, caller_id, area, subnets::text[] AS subnets, codecs, allowed_prefixes
FROM sites ORDER BY slug

-- name: directory_trunks
SELECT id, tenant_id, site_id, slug, host, port, codecs, priority, name, preset, mode, transport, username,
       from_domain, addresses::text[] AS addresses, number_format, dial_prefix, qualify_seconds, active
FROM trunks ORDER BY slug

-- name: directory_routes
SELECT id, tenant_id, site_id, trunk_id, prefix, priority FROM routes ORDER BY id

-- name: directory_schedules
SELECT id, tenant_id, name, zone, holidays, hours::text AS hours, exceptions::text AS exceptions
FROM schedules ORDER BY name, id

-- name: directory_dids
SELECT id, tenant_id, number, site_id, user_id, label, target, phone_id, forward_to, schedule_id,
       closed_target, closed_user_id, closed_phone_id, closed_forward_to,
       unanswered_target, unanswered_user_id, unanswered_phone_id, unanswered_forward_to, ring_seconds
FROM dids ORDER BY number

-- name: phone_secrets
SELECT p.user_id, p.extension, p.secret_encrypted
FROM phones p LEFT JOIN users u ON u.id = p.user_id
WHERE u.active IS NOT FALSE
ORDER BY p.extension

-- name: trunk_secrets
SELECT id, secret_encrypted FROM trunks WHERE secret_encrypted IS NOT NULL AND active ORDER BY slug
