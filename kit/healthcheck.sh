#!/bin/sh
# Healthy: the service answers that PACSFLOW_HEALTH names (http://…); a container that has none to ask is healthy.
set -eu
[ -n "${PACSFLOW_HEALTH-}" ] || exit 0
exec python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$PACSFLOW_HEALTH"
