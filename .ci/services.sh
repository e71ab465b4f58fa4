#!/usr/bin/env bash
# Bring what the tests need besides Python: PostgreSQL with PostGIS, and Chromium.
# Where that cannot be installed the tests say so themselves, so this script never fails.
set -uo pipefail
# shellcheck source=.ci/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

has_postgis() {
    compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null ||
        { command -v pg_config >/dev/null && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]; }
}

has_chromium() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

# The node inside Playwright needs it, and a bare Debian has it not.
has_libatomic() {
    [ "$(uname)" != Linux ] || /sbin/ldconfig -p | grep -q 'libatomic\.so\.1 '
}

wanted=()
has_postgis || wanted+=(postgresql postgresql-postgis)
has_chromium || wanted+=(chromium)
has_libatomic || wanted+=(libatomic1)
if [ ${#wanted[@]} -eq 0 ]; then
    exit 0
fi
if ! can_apt; then
    echo "Saknas och kan inte installeras här: ${wanted[*]}. De tester som behöver det hoppas över."
    exit 0
fi
# The tests start a server of their own; Debian need not make and run another.
settings=/etc/postgresql-common/createcluster.conf
if [ ! -e "$settings" ]; then
    mkdir -p "$(dirname "$settings")"
    echo 'create_main_cluster = false' >"$settings"
fi
apt_install "${wanted[@]}" ||
    echo "apt-get kunde inte installera: ${wanted[*]}."
