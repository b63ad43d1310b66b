DROP TABLE agent_intervals, call_events, call_legs, calls, call_keys;
DROP FUNCTION ensure_call_partitions(timestamptz, timestamptz);
DROP FUNCTION uuid7_floor(timestamptz);
