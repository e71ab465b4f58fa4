#!/usr/bin/env bash
# Prepare the demonstration (nothing changes the second time) and serve it: demo.sh VENV
set -euo pipefail
venv=$1
port=${PORT:-8000}

if ! "$venv/bin/python" -c "import socket; socket.create_server(('127.0.0.1', $port)).close()" 2>/dev/null; then
    echo "Port $port går inte att använda; välj en annan, till exempel: PORT=8001 make demo" >&2
    exit 1
fi
"$venv/bin/lagesbild" demo prepare --dir var/demo
set -a
# shellcheck source=/dev/null
. var/demo/demo.env
set +a
echo "Kartan visas på http://127.0.0.1:$port (avsluta med Ctrl-C)."
exec "$venv/bin/uvicorn" --factory app.main:create_app --host 127.0.0.1 --port "$port" --log-level warning
