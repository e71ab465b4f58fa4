# shellcheck shell=bash
# Sourced by the scripts beside it: installing what is missing, where that is possible at all.

can_apt() {
    [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null
}

# Its many words are shown only when it fails. A package list that cannot be refreshed may still do.
apt_install() {
    local words
    echo "Installerar med apt-get: $*"
    if ! words=$(
        exec 2>&1
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
            -o Dpkg::Options::=--force-confold "$@"
    ); then
        printf '%s\n' "$words" | tail -n 30 >&2
        return 1
    fi
}
