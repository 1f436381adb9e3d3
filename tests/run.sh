#!/bin/sh
# Every test there is: installs what is missing, starts private servers in a temporary folder, runs the tests, stops everything.
#
#   REQUIRE_BACKENDS=1   fail where something cannot be installed or started, instead of skipping its tests loudly
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository"
# short: the sockets of a Docker daemon do not bear long paths
scratch=$(mktemp -d /tmp/flowmill-test.XXXXXX)
skipped=$scratch/skipped
: > "$skipped"

stop() {
    tests/servers/dockerd.sh stop "$scratch/docker" > /dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# missing WHAT WHY: tests that need it are skipped, or everything ends here
missing() {
    echo "SKIPPED: $1: $2" | tee -a "$skipped" >&2
    if [ "${REQUIRE_BACKENDS:-}" = 1 ]; then exit 1; fi
}

duckdb/fetch.sh || missing "DuckDB" "its library cannot be fetched"
tests/servers/install.sh || missing "RabbitMQ, Redis, S3" "they cannot be installed"

if DOCKER_HOST=$(tests/servers/dockerd.sh start "$scratch/docker"); then
    export DOCKER_HOST
    tests/servers/python-image.sh || missing "python:slim" "the image cannot be made"
else
    unset DOCKER_HOST
    missing "the Docker runner" "no Docker daemon can be started"
fi

if [ -z "${FLOWMILL_DUCKDB_LIB:-}" ] && [ -f target/duckdb/libduckdb.so ]; then
    export FLOWMILL_DUCKDB_LIB="$repository/target/duckdb/libduckdb.so"
fi
status=0
cargo test --workspace --no-fail-fast || status=$?

if [ -f target/conformance.txt ]; then
    echo "conformance: $(head -n 1 target/conformance.txt) (each case in target/conformance.txt)"
fi
if [ -s "$skipped" ]; then
    echo "not tested here:"
    sed 's/^SKIPPED: /  /' "$skipped"
fi
exit $status
