# shellcheck shell=bash
# What the scripts tell: one line a step, a spinner on a terminal, the end of the log when a step fails.

die() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# usage SCRIPT: the comment at its top.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# spin TITLE: turn until killed, or until the script is gone.
spin() {
    local frames=('|' '/' '-' $'\\') frame=0 started=$SECONDS
    while kill -0 $$ 2>/dev/null; do
        printf '\r%s %s… (%d s) ' "${frames[frame++ % 4]}" "$1" $((SECONDS - started))
        sleep 0.2
    done
}

# step TITLE LOG COMMAND...: run a command with its output in LOG, and show that it is at work.
# The command stays in the foreground, so that a Ctrl-C reaches it.
step() {
    local title=$1 log=$2 started=$SECONDS status=0 spinner=
    shift 2
    if [ -t 1 ]; then
        spin "$title" &
        spinner=$!
    else
        printf '… %s\n' "$title"
    fi
    "$@" >"$log" 2>&1 || status=$?
    if [ -n "$spinner" ]; then
        kill "$spinner" 2>/dev/null
        wait "$spinner" 2>/dev/null
        printf '\r\033[K'
    fi
    if [ "$status" -ne 0 ]; then
        printf '✗ %s\n' "$title"
        tail -n 15 "$log" | sed 's/^/    /' >&2
        return "$status"
    fi
    printf '✓ %s (%d s)\n' "$title" $((SECONDS - started))
}
