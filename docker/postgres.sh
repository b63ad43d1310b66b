#!/bin/sh
# Makes the cluster, the role and the database on the first start, then runs PostgreSQL on its socket.
set -eu

bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data/cluster
socket=/run/ccserver-postgres

if [ ! -f "$data/PG_VERSION" ]; then
    rm -rf "$data.new"
    "$bin/initdb" --pgdata="$data.new" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8
    "$bin/pg_ctl" --pgdata="$data.new" --wait --options="-k $socket -c listen_addresses=" start
    "$bin/psql" -h "$socket" -U postgres -q -c 'CREATE ROLE ccserver LOGIN CREATEDB CREATEROLE' \
        -c 'CREATE DATABASE ccserver OWNER ccserver'
    "$bin/pg_ctl" --pgdata="$data.new" --wait stop
    mv "$data.new" "$data"
fi
exec "$bin/postgres" -D "$data" -k "$socket" -c listen_addresses= -c max_connections=200 -c timezone=UTC
