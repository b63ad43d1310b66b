-- name: directory_agents
SELECT u.id, u.tenant_id, u.login, u.first_name, u.last_name, u.site_id, p.extension, u.active
FROM users u JOIN phones p ON p.user_id = u.id
ORDER BY u.last_name, u.first_name, u.id

-- name: directory_sites
SELECT id, tenant_id, slug, name, zone, country, caller_id FROM sites ORDER BY slug

-- name: directory_trunks
SELECT id, tenant_id, site_id, slug, host, port, codecs, priority FROM trunks ORDER BY slug

-- name: directory_dids
SELECT id, tenant_id, number, site_id, user_id, label FROM dids ORDER BY number

-- name: phone_secrets
SELECT p.user_id, p.extension, p.secret_encrypted
FROM phones p JOIN users u ON u.id = p.user_id
WHERE u.active
ORDER BY p.extension
