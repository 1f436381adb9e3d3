#!/bin/sh
# A Docker daemon for tests, apart from any other on the machine: its data, its socket and its process live in one folder.
#
#   dockerd.sh start DIR   starts it, unless it runs; prints the value for DOCKER_HOST
#   dockerd.sh stop DIR    removes its containers, ends it, and deletes its data
#
# Installs Debian's docker.io where there is no dockerd. Needs root and a DIR with a short path (sockets allow 107 bytes).
# Exit status 3: this machine cannot run one; the reason is on standard error.
set -eu

usage() {
    echo "usage: $0 start|stop DIR" >&2
    exit 2
}

cannot() {
    echo "dockerd.sh: $*" >&2
    exit 3
}

answers() {
    DOCKER_HOST="$host" docker version > /dev/null 2>&1
}

is_running() {
    [ -s "$dir/dockerd.pid" ] && kill -0 "$(cat "$dir/dockerd.pid")" 2> /dev/null
}

install() {
    command -v dockerd > /dev/null && command -v docker > /dev/null && return
    command -v apt-get > /dev/null || cannot "there is no dockerd, and no apt-get to install docker.io with"
    # Debian starts what it installs; the tests start their own.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    {
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io
    } > "$dir/install.log" 2>&1 || cannot "docker.io cannot be installed: see $dir/install.log"
}

# Starts it with these arguments; fails if it ends or does not answer.
try() {
    echo "--- dockerd $*" >> "$dir/dockerd.log"
    setsid dockerd --host "$host" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" "$@" \
        >> "$dir/dockerd.log" 2>&1 < /dev/null &
    started=$!
    tries=0
    while [ $tries -lt 150 ]; do
        answers && return 0
        kill -0 $started 2> /dev/null || return 1
        tries=$((tries + 1))
        sleep 0.2
    done
    kill $started
    return 1
}

start() {
    [ "$(id -u)" = 0 ] || cannot "a Docker daemon needs root"
    [ ${#dir} -le 60 ] || cannot "the path $dir is too long for its sockets: 60 bytes at most"
    mkdir -p "$dir"
    install
    is_running && answers || {
        [ -e /sys/class/net/docker0 ] || iptables -S FORWARD 2> /dev/null | head -n 1 > "$dir/forwarding"
        rm -f "$dir/dockerd.pid" "$dir/docker.sock"
        # With a network for containers where the kernel lets it be made, else without; by the quick way of keeping layers where
        # it works, else by copying.
        try || try --storage-driver vfs || try --bridge none --iptables=false --ip6tables=false \
            || try --storage-driver vfs --bridge none --iptables=false --ip6tables=false \
            || cannot "dockerd does not start: see $dir/dockerd.log"
    }
    echo "$host"
}

# Takes away the bridge and the rules that the daemon has made, if there were none before it.
restore_network() {
    [ -f "$dir/forwarding" ] || return 0
    for table in filter nat; do
        iptables -t $table -S 2> /dev/null | grep -E 'docker0|DOCKER' | sed -n 's/^-A/-D/p' | while read -r rule; do
            # shellcheck disable=SC2086  # its words are the arguments
            iptables -t $table $rule
        done
        iptables -t $table -S 2> /dev/null | sed -n 's/^-N \(DOCKER.*\)/\1/p' | while read -r chain; do
            iptables -t $table -X "$chain"
        done
    done
    read -r _ chain policy < "$dir/forwarding" && iptables -P "$chain" "$policy"
    [ ! -e /sys/class/net/docker0 ] || ip link delete docker0
    rm -f "$dir/forwarding"
}

stop() {
    [ -d "$dir" ] || return 0
    if is_running; then
        containers=$(DOCKER_HOST="$host" docker ps --all --quiet) || containers=
        # shellcheck disable=SC2086  # one word for each container
        [ -z "$containers" ] || DOCKER_HOST="$host" docker rm --force $containers > /dev/null
        pid=$(cat "$dir/dockerd.pid")
        kill "$pid"
        while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
    fi
    restore_network || echo "dockerd.sh: the bridge docker0 or its rules are left" >&2
    # What a daemon that was killed has left mounted.
    awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mounted; do
        umount --lazy "$mounted" || true
    done
    rm -rf "$dir/data" "$dir/exec" "$dir/dockerd.pid" "$dir/docker.sock"
}

[ $# = 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
host="unix://$dir/docker.sock"
case $1 in
start) start ;;
stop) stop ;;
*) usage ;;
esac
