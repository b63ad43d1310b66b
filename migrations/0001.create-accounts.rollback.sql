-- The two database roles stay: other databases of the cluster may use them.
DROP TABLE audit_log, login_failures, refresh_tokens, sessions, user_sites, users, sites, tenants;
DROP FUNCTION ccserver_tenant();
