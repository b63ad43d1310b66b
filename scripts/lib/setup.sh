# shellcheck shell=bash
# Brings a checkout to the state in which ccserver runs: Python environment, packages, translations.
# Everything is stamped: nothing is done twice for the same input.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VENV=$ROOT/.venv
SETUP_LOG=$ROOT/.cache/setup.log
export PIP_DISABLE_PIP_VERSION_CHECK=1

# shellcheck source=scripts/lib/say.sh
. "$ROOT/scripts/lib/say.sh"
# shellcheck source=scripts/lib/apt.sh
. "$ROOT/scripts/lib/apt.sh"

mkdir -p "$ROOT/.cache" 2>/dev/null || die "The checkout $ROOT cannot be written to. Run this as its owner."

is_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$candidate" && is_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    if [ -x "$VENV/bin/python" ] && is_python "$VENV/bin/python" && [ -x "$VENV/bin/pip" ]; then
        return
    fi
    python=$(find_python) || die "Python 3.11 or newer is needed, and none was found. Install it (Debian 12: apt-get install python3) or set PYTHON to its path."
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        need_packages "no-such-command:python3-venv"
    fi
    step "Making the Python environment" "$SETUP_LOG" "$python" -m venv --clear "$VENV" ||
        die "$python could not make a virtual environment in $VENV (above)."
}

# stamped NAME KEY: whether NAME was last done for the same KEY; stamp NAME KEY remembers it.
stamped() { [ "$(cat "$ROOT/.cache/$1.stamp" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$ROOT/.cache/$1.stamp"; }
hash_of() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }

# install_project [EXTRA]: the project and its packages, again only when pyproject.toml has changed.
install_project() {
    local extra=${1:-} key
    key="$(hash_of "$ROOT/pyproject.toml") $("$VENV/bin/python" -V) $ROOT"
    if [ -x "$VENV/bin/ccserver" ] && { stamped "python$extra" "$key" || stamped pythondev "$key"; }; then
        return
    fi
    step "Installing Python packages" "$SETUP_LOG" \
        "$VENV/bin/pip" install --progress-bar off --editable "$ROOT${extra:+[$extra]}" ||
        die "pip could not install the Python packages (above). Check that this machine reaches its Python package index and has disk space, then run this again."
    stamp "python$extra" "$key"
}

compile_translations() {
    local po
    while IFS= read -r -d '' po; do
        if [ ! "${po%.po}.mo" -nt "$po" ]; then
            "$VENV/bin/pybabel" --quiet compile --use-fuzzy -i "$po" -o "${po%.po}.mo" ||
                die "The translation $po cannot be compiled (above)."
        fi
    done < <(find "$ROOT/ccserver" "$ROOT/web" -name '*.po' -print0 2>/dev/null)
}

# help_first SCRIPT ARGUMENTS...: --help installs nothing. Once there is a ccserver, it answers by itself, in full.
help_first() {
    local script=$1 argument
    shift
    [ ! -x "$VENV/bin/ccserver" ] || return 0
    for argument in "$@"; do
        case $argument in -h | --help)
            usage "$script"
            exit 0
            ;;
        esac
    done
}

# set_up run|dev: all of the above, by one process at a time.
set_up() {
    local extra=${1#run}
    exec 9>"$ROOT/.cache/setup.lock"
    flock 9
    make_venv
    install_project "$extra"
    compile_translations
    exec 9>&-
}
