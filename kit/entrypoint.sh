#!/bin/sh
# What the image runs: Prefect's own commands as they are, as work pools give them; `worker POOL`; else pacsflow's.
set -eu
case "${1-}" in
    prefect | python | sh | bash) exec "$@" ;;
    worker) exec prefect worker start --pool "${2:-pacsflow}" --type process --with-healthcheck ;;
    *) exec pacsflow "$@" ;;
esac
