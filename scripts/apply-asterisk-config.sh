#!/usr/bin/env bash
# Brings Asterisk to what the database says: shows the differences, tries them out with a throw-away Asterisk, backs up,
# installs, reloads only what changed (calls go on), verifies, and undoes everything if any of it fails.
#
#   scripts/apply-asterisk-config.sh              with the environment of the server (in production: its EnvironmentFile)
#   scripts/apply-asterisk-config.sh --dry-run    shows the differences and tries them out, no more
#
# Works on the machine of Asterisk, against the one of scripts/up, and beside docker compose (it then goes inside).
# Exit status: as `ccserver asterisk --help` says; 0 done or nothing to do, 3 differences (--dry-run), 4 refused.
set -euo pipefail
# shellcheck source=scripts/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

case "${1:-}" in -h | --help)
    usage "$0"
    exit 0
    ;;
esac

# The container of a running stack, when this machine has no Asterisk of its own to configure.
inside_compose() {
    local data=${CCSERVER_DATA:-$ROOT/data}
    [ ! -e "$data/asterisk/layout.json" ] && [ -z "${DATABASE_URL:-}" ] && have docker || return 1
    if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
    [ -n "$("${compose[@]}" -f "$ROOT/docker-compose.yml" ps -q ccserver 2>/dev/null)" ]
}

cd "$ROOT"
if inside_compose; then
    ask=("${compose[@]}" exec -T ccserver .venv/bin/ccserver asterisk)
else
    set_up run >&2
    layout=${CCSERVER_DATA:-data}/asterisk/layout.json etc=
    if [ -r "$layout" ]; then etc=$(sed -n 's/.*"etc": *"\([^"]*\)".*/\1/p' "$layout" | head -n 1); fi
    if [ -n "$etc" ] && [ -d "$etc" ] && [ ! -w "$etc" ] && ! is_root; then
        die "$etc belongs to $(stat -c %U "$etc"). Run this as that user, or as root: sudo -E $0 $*"
    fi
    ask=("$VENV/bin/ccserver" asterisk)
fi
if [ "$#" -eq 0 ]; then
    # 3: there are differences. Anything else above 0 is told by the command itself.
    "${ask[@]}" diff || [ $? -eq 3 ]
fi
exec "${ask[@]}" apply "$@"
