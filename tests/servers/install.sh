#!/bin/sh
# Installs the servers that the tests run against: Redis and RabbitMQ from the system's packages (Debian, Ubuntu), MinIO
# with Go, the `ip` command that makes networks to be cut. Does nothing for what is there already. Needs root for the packages.
#
#   FLOWMILL_TEST_CACHE   where MinIO goes (default: ~/.cache/flowmill)
#   FLOWMILL_MINIO        a MinIO that is there already
set -eu

MINIO_VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
cache=${FLOWMILL_TEST_CACHE:-$HOME/.cache/flowmill}

say() { printf 'test servers: %s\n' "$*"; }

install_packages() {
    if ! command -v apt-get >/dev/null; then
        say "install these by hand, there is no apt-get: $*" >&2
        exit 1
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    # Debian starts what it installs; the tests start their own on free ports.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
        $sudo chmod +x "$policy"
        trap '$sudo rm -f "$policy"' EXIT
    fi
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# at_least HAVE WANT: whether a version is at least another.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

missing=
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || missing="$missing redis-server"
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ -n "${FLOWMILL_RABBITMQ:-}" ] || missing="$missing rabbitmq-server"
command -v setpriv >/dev/null || missing="$missing util-linux"
command -v ip >/dev/null || missing="$missing iproute2"
# shellcheck disable=SC2086 # one word each
[ -z "$missing" ] || install_packages $missing

redis=$(redis-server --version | sed -n 's/.*v=\([0-9.]*\).*/\1/p')
at_least "$redis" 6.2 || { say "Redis $redis is too old, 6.2 or newer is needed" >&2; exit 1; }
say "Redis $redis"

if rabbitmq=$(dpkg-query -W -f '${Version}' rabbitmq-server 2>/dev/null); then
    at_least "${rabbitmq#*:}" 3.10 || { say "RabbitMQ $rabbitmq is too old, 3.10 or newer is needed" >&2; exit 1; }
    say "RabbitMQ $rabbitmq"
fi

minio=${FLOWMILL_MINIO:-$cache/bin/minio}
stamp=$cache/bin/minio.version
if [ -z "${FLOWMILL_MINIO:-}" ] && { [ ! -x "$minio" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$MINIO_VERSION" ]; }; then
    command -v go >/dev/null || { say "Go is needed to build MinIO (or set FLOWMILL_MINIO)" >&2; exit 1; }
    say "building MinIO, which takes some minutes once"
    mkdir -p "$cache/bin"
    (cd "$cache" && GOBIN="$cache/bin" GOFLAGS=-mod=mod go install "github.com/minio/minio@$MINIO_VERSION")
    printf '%s' "$MINIO_VERSION" >"$stamp"
fi
[ -x "$minio" ] || { say "$minio cannot be run" >&2; exit 1; }
say "MinIO at $minio"
