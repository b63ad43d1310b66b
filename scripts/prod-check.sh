#!/usr/bin/env bash
# Looks at every precondition of a production start: one line each, green or red, with the mend.
#
#   scripts/prod-check.sh            with the environment of the server (in production: its EnvironmentFile)
#   scripts/prod-check.sh --json     for programs
#
# Ends with 0 when all is ready, 1 when something is red, 2 when something could not be looked at.
set -euo pipefail
# shellcheck source=scripts/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

help_first "$0" "$@"
set_up run >&2
cd "$ROOT"
exec "$VENV/bin/ccserver" doctor "$@"
