-- What the older schema cannot say is dropped: physical phones, registering trunks' twins of an address, schedules.
DROP TABLE pbx_revisions, routes;
ALTER TABLE dids
  DROP CONSTRAINT dids_target, DROP CONSTRAINT dids_closed_target,
  DROP COLUMN target, DROP COLUMN phone_id, DROP COLUMN forward_to, DROP COLUMN schedule_id,
  DROP COLUMN closed_target, DROP COLUMN closed_user_id, DROP COLUMN closed_phone_id, DROP COLUMN closed_forward_to;
DROP TABLE schedules;
DROP TABLE provisioning_tickets;
DELETE FROM phones WHERE user_id IS NULL;
ALTER TABLE phones
  DROP CONSTRAINT phones_owner, DROP CONSTRAINT phones_mobile, DROP CONSTRAINT phones_tenant_key,
  DROP COLUMN site_id, DROP COLUMN kind, DROP COLUMN mobile, DROP COLUMN label,
  ALTER COLUMN user_id SET NOT NULL;
DROP TRIGGER trunk_networks_follow ON trunks;
DROP FUNCTION trunk_networks_follow();
DROP TABLE trunk_networks;
DROP INDEX trunks_address_unique, trunks_account_unique;
DELETE FROM trunks t USING trunks o WHERE t.host = o.host AND t.port = o.port AND t.id > o.id;
ALTER TABLE trunks
  DROP CONSTRAINT trunks_tenant_key,
  ADD CONSTRAINT trunks_address_unique UNIQUE (host, port),
  DROP COLUMN name, DROP COLUMN preset, DROP COLUMN mode, DROP COLUMN transport, DROP COLUMN username,
  DROP COLUMN secret_encrypted, DROP COLUMN from_domain, DROP COLUMN addresses, DROP COLUMN number_format,
  DROP COLUMN dial_prefix, DROP COLUMN qualify_seconds, DROP COLUMN active;
ALTER TABLE sites DROP COLUMN area, DROP COLUMN subnets, DROP COLUMN codecs, DROP COLUMN allowed_prefixes;
