#!/usr/bin/env bash
# Make a virtual environment with the first Python >= 3.11 of this machine: venv.sh FOLDER
# A working one is left as it is. PYTHON=/some/python chooses another.
set -euo pipefail
folder=$1
# shellcheck source=.ci/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

give_up() {
    echo "$1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    return 1
}

if is_new_enough "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi
python=$(find_python) || give_up "Lägesbild behöver Python 3.11 eller nyare; installera det och kör kommandot igen."
rm -rf "$folder"

# Debian keeps ensurepip, without which venv makes no pip, in a package of its own.
has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
if ! has_venv && ! "$python" -m virtualenv --version >/dev/null 2>&1 && can_apt; then
    apt_install python3-venv
fi
if has_venv; then
    "$python" -m venv "$folder"
elif "$python" -m virtualenv --version >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet "$folder"
else
    give_up "Python saknar modulen venv; installera den (i Debian och Ubuntu: paketet python3-venv) och kör kommandot igen."
fi
