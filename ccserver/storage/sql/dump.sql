-- For backups (storage/dump.py, storage/load.py). Names in braces are put in by psycopg as quoted identifiers.

-- name: settings_of_text
-- What decides how a value is written and read as text, the same on both ends whatever the server's defaults.
SET LOCAL datestyle = ISO; SET LOCAL intervalstyle = postgres; SET LOCAL extra_float_digits = 3;
SET LOCAL timezone = UTC; SET LOCAL bytea_output = hex; SET LOCAL client_encoding = UTF8;
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL row_security = off; SET LOCAL search_path = public

-- name: tables
SELECT c.relname,
       array(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum) AS columns
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname NOT IN ('_yoyo_migration', '_yoyo_log', '_yoyo_version', 'yoyo_lock')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname

-- name: references
SELECT f.relname AS referring, t.relname AS referred
FROM pg_constraint c JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conrelid <> c.confrelid AND c.conparentid = 0

-- name: partitions
SELECT p.relname AS parent, c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition AND c.relkind = 'r'
ORDER BY c.relname

-- name: sequences
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' ORDER BY c.relname

-- name: sequence_value
SELECT last_value, is_called FROM {sequence}

-- name: sealed_columns
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.atttypid = 'bytea'::regtype AND a.attname LIKE '%\_encrypted' AND NOT a.attisdropped
ORDER BY c.relname, a.attname

-- name: sealed_values
SELECT {column} FROM {table} WHERE {column} IS NOT NULL

-- name: has_migrations
SELECT to_regclass('public._yoyo_migration') IS NOT NULL

-- name: applied
SELECT migration_id FROM _yoyo_migration ORDER BY migration_id

-- name: hold
LOCK TABLE {table} IN ACCESS SHARE MODE

-- name: copy_out
COPY (SELECT {columns} FROM {table}) TO STDOUT

-- name: copy_in
COPY {table} ({columns}) FROM STDIN

-- name: is_filled
SELECT EXISTS (SELECT FROM {table})

-- name: clients
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'ccserver %'

-- name: empty
TRUNCATE {tables}

-- name: forget_migration
DELETE FROM _yoyo_migration WHERE migration_id = %s

-- name: make_partition
CREATE TABLE {name} PARTITION OF {parent} {bound}

-- name: rest_triggers
ALTER TABLE {table} DISABLE TRIGGER USER

-- name: wake_triggers
ALTER TABLE {table} ENABLE TRIGGER USER

-- name: set_sequence
SELECT setval(%s::regclass, %s, %s)

-- name: analyze
ANALYZE {table}
