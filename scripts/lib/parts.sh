# shellcheck shell=bash
# The parts of scripts/test: what each needs, how each runs, and the totals.

passed=0
failed=0
remarks=()

# need_for_part PART: the Debian packages that a part's tests run on.
need_for_part() {
    local telephony=("sipp:sip-tester" "baresip:baresip-core" "ip:iproute2")
    case $1 in
    lint) need_packages "shellcheck:shellcheck" ;;
    integration | bench | soak)
        if [ "$1" = bench ]; then need_packages "node:nodejs" "npm:npm"; fi
        need_packages "${telephony[@]}" "valkey-server|redis-server:redis-server"
        need_postgresql
        ;;
    browser) need_packages "${telephony[@]}" "chromium:chromium" ;;
    esac
}

# The distribution's own PostgreSQL, beside the embedded one: programs only, no server of its own.
need_postgresql() {
    local note=/etc/postgresql-common/createcluster.d/ccserver-tests.conf
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return
    if is_root; then
        mkdir -p "${note%/*}"
        echo 'create_main_cluster = false' >"$note"
    fi
    need_packages "no-such-command:postgresql"
    rm -f "$note"
}

# run_parts "PART..." PYTEST-ARGUMENTS...: integration and browser wait for telephones and pages most of their time,
# so that two cores carry both at once: telephones in one lane; pages, then what has no telephone, in the other.
run_parts() {
    local parts=" $1 " part
    shift
    for part in $parts; do
        if [ "$part" = integration ] && [[ $parts == *" browser "* ]]; then
            start_beside "$@"
            printf '\n== integration (telephones)\n'
            run_pytest integration "${QUIET[@]/#/--ignore=}" "${NETWORK[@]/#/--ignore=}" "$@"
            join_beside
        elif [ "$part" != browser ] || [[ $parts != *" integration "* ]]; then
            run_part "$part" "$@"
        fi
    done
}

run_part() {
    local part=$1
    shift
    printf '\n== %s\n' "$part"
    case $part in
    lint) run_lint ;;
    bench) run_benchmarks "$@" ;;
    *) run_pytest "$part" "$@" ;;
    esac
}

# check NAME COMMAND...: one lint step; it counts as one test.
check() {
    local name=$1 started=$SECONDS output
    shift
    if output=$("$@" 2>&1); then
        printf '✓ %s (%d s)\n' "$name" $((SECONDS - started))
        passed=$((passed + 1))
    else
        printf '✗ %s\n%s\n' "$name" "$output"
        failed=$((failed + 1))
    fi
}

run_lint() {
    check "ruff check" "$VENV/bin/ruff" check .
    check "ruff format" "$VENV/bin/ruff" format --check .
    check "mypy" "$VENV/bin/mypy"
    check "import contracts" "$VENV/bin/lint-imports"
    check "shellcheck" shellcheck -x scripts/up scripts/test scripts/messages scripts/*.sh scripts/lib/*.sh docker/*.sh .ci/run
}

# Each tests/bench/bench_*.py is a program that prints its tables; it counts as one test.
run_benchmarks() {
    local file name any=
    for file in tests/bench/bench_*.py; do
        [ -e "$file" ] || continue
        any=yes name=$(basename "$file" .py)
        printf '\n-- %s\n' "$name"
        if "$VENV/bin/python" -m "tests.bench.$name" "$@"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
        fi
    done
    if [ -z "$any" ]; then
        remarks+=("The part 'bench' has no benchmark: tests/bench/bench_*.py.")
        failed=$((failed + 1))
    fi
}

# The number before WORD in pytest's closing line, such as "== 3 failed, 10 passed in 1.2s ==".
count_of() {
    local pattern="([0-9]+) $2"
    if [[ $1 =~ $pattern ]]; then echo "${BASH_REMATCH[1]}"; else echo 0; fi
}

# The folders of integration whose tests start neither Asterisk nor a whole server.
QUIET=(tests/integration/bus tests/integration/storage tests/integration/stream tests/integration/web)

# Its tests give the machine network cards, and take them away: a Chromium that is open drops what it is loading then
# (net::ERR_NETWORK_CHANGED), on loopback too. So they run after the pages.
NETWORK=(tests/integration/sites)

# The second lane: its output is kept until join_beside prints it.
beside_pid=""
start_beside() {
    printf '\n== browser and the rest of integration run beside; their output follows\n'
    # A process group of its own: without one, a script's background work ignores Ctrl-C and cleans nothing up.
    set -m
    (
        trap 'exit 130' INT TERM # pytest ends tidily by itself; nothing more begins after it
        lane browser tests/browser "$@"
        lane integration-quiet "${QUIET[@]}" "$@"
        lane integration-network "${NETWORK[@]}" "$@"
    ) &
    beside_pid=$!
    set +m
    trap 'kill -INT -- "-$beside_pid" 2>/dev/null; wait "$beside_pid"; exit 130' INT TERM
}

# lane NAME PYTEST-ARGUMENTS...
lane() {
    local name=$1 log=$ROOT/.cache/test-$1.log
    shift
    "$VENV/bin/pytest" "$@" >"$log" 2>&1
    echo $? >"$log.status"
}

join_beside() {
    local name
    wait "$beside_pid"
    trap - INT TERM
    for name in browser integration-quiet integration-network; do
        printf '\n== %s\n' "$name"
        cat "$ROOT/.cache/test-$name.log"
        judge_pytest "$name" "$(cat "$ROOT/.cache/test-$name.log.status")"
    done
}

run_pytest() {
    local part=$1 folder=tests/$1 status
    shift
    if [ ! -d "$folder" ]; then
        remarks+=("The part '$part' has no tests: $folder does not exist.")
        failed=$((failed + 1))
        return
    fi
    "$VENV/bin/pytest" "$folder" "$@" 2>&1 | tee "$ROOT/.cache/test-$part.log"
    status=${PIPESTATUS[0]}
    judge_pytest "$part" "$status"
}

# judge_pytest PART STATUS: counts what the part's log says.
judge_pytest() {
    local part=$1 status=$2 log=$ROOT/.cache/test-$1.log closing ok bad skipped
    closing=$(grep -E '(passed|failed|errors?|skipped|deselected|no tests ran).* in [0-9]' "$log" | tail -n 1)
    ok=$(count_of "$closing" passed)
    skipped=$(count_of "$closing" skipped)
    bad=$(($(count_of "$closing" failed) + $(count_of "$closing" error) + skipped))
    if [ "$skipped" -gt 0 ]; then
        remarks+=("The part '$part' skipped $skipped tests (reasons above); here they count as failed.")
    fi
    if [ $((ok + bad)) -eq 0 ]; then
        remarks+=("The part '$part' executed no test.")
        bad=1
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        remarks+=("The part '$part' ended with status $status though no test failed (above).")
        bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
}

finish() {
    printf '\n'
    if [ ${#remarks[@]} -gt 0 ]; then printf '%s\n' "${remarks[@]}"; fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
