#!/usr/bin/env bash
# Puts an installation back from an archive of scripts/backup.sh. Stop the server first.
#
#   scripts/restore.sh --check ARCHIVE      only read it, and say what it is
#   scripts/restore.sh ARCHIVE              into an empty installation
#   scripts/restore.sh --replace ARCHIVE    in place of what is there
#
# It needs the SECRETS_KEY of that installation. See docs/operations.md.
set -euo pipefail
# shellcheck source=scripts/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

help_first "$0" "$@"
set_up run
cd "$ROOT"
exec "$VENV/bin/ccserver" restore "$@"
