# shellcheck shell=bash
# Debian packages that are missing, installed when we may, named plainly when we may not.

apt_updated=

apt_run() {
    DEBIAN_FRONTEND=noninteractive apt-get -oDPkg::Lock::Timeout=600 -q -y "$@"
}

# need_packages COMMAND[|COMMAND]:PACKAGE...: make sure that one of the commands exists for each pair.
need_packages() {
    local pair commands package command found missing=()
    for pair in "$@"; do
        commands=${pair%%:*} package=${pair#*:} found=
        for command in ${commands//|/ }; do
            have "$command" && found=yes
        done
        [ -n "$found" ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die "These are missing: ${missing[*]}. This system has no apt-get; install them with its own package manager."
    is_root || die "These are missing: ${missing[*]}. Run as root, once: apt-get install ${missing[*]}"
    if [ -z "$apt_updated" ]; then
        step "Refreshing the package lists" "$SETUP_LOG" apt_run update ||
            die "apt-get update failed (above). Check that this machine reaches its Debian mirror, then run this again."
        apt_updated=yes
    fi
    step "Installing ${missing[*]}" "$SETUP_LOG" apt_run install --no-install-recommends "${missing[@]}" ||
        die "apt-get could not install ${missing[*]} (above). Mend that, or install them yourself, then run this again."
}
