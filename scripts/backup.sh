#!/usr/bin/env bash
# Saves the database, the recordings and Asterisk's files as one verified archive. The server may go on working.
#
#   scripts/backup.sh                    into CCSERVER_BACKUPS (by default data/backups)
#   scripts/backup.sh --keep 14          and the fourteen newest stay
#   scripts/backup.sh --help
#
# SECRETS_KEY (data/secrets.json) is not in the archive: keep it apart. See docs/operations.md.
set -euo pipefail
# shellcheck source=scripts/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

help_first "$0" "$@"
set_up run
cd "$ROOT"
exec "$VENV/bin/ccserver" backup "$@"
