#!/bin/sh
# Gives the Docker daemon at DOCKER_HOST the images `python:slim` and `python:3.13-slim`, made of Debian packages without a registry.
# The root file system is made once and kept (FLOWMILL_TEST_CACHE, else the user's cache folder).
#
# pip works in it as it does on this machine: its configuration, its certificates and its variables are put in when the image is
# made, so nothing of this machine is written down here.
set -eu

label=flowmill.made-of
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
cache=${FLOWMILL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flowmill-tests}
packages=python3-minimal,python3-pip,ca-certificates
root="$cache/python-$suite-$(echo "$packages" | cksum | cut -d' ' -f1).tar"
certificates=/etc/ssl/certs/ca-certificates.crt

work=$(mktemp -d)
container=
trap 'rm -rf "$work"; [ -z "$container" ] || docker rm --force "$container" > /dev/null' EXIT

# What pip and the programs below it read.
settings() {
    env | grep -E '^(PIP_|UV_|(https?|no|all)_proxy=|(HTTPS?|NO|ALL)_PROXY=|SSL_CERT_FILE=|REQUESTS_CA_BUNDLE=)' \
        | grep -vE '^PIP_(FIND_LINKS|CACHE_DIR|LOG)=' | sort || true
}

# Where this machine's own packages come from.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" 'Component: main' 2> /dev/null | head -n 1
}

make_root() {
    if ! command -v debootstrap > /dev/null; then
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap
    fi
    # shellcheck disable=SC2046  # no mirror is no argument
    debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" $(mirror)
    # As in the image that this one stands for: `python` is there, and pip may install for everybody.
    rm -f "$work"/root/usr/lib/python3*/EXTERNALLY-MANAGED
    ln -sf python3 "$work/root/usr/bin/python"
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/doc/* "$work"/root/usr/share/locale/*
    tar --create --one-file-system --numeric-owner --directory "$work/root" --exclude './dev/*' --exclude './proc/*' . > "$root.new.$$"
    mv "$root.new.$$" "$root"
}

mkdir -p "$cache"
made_of=$({ cat "$0" "$certificates" /etc/pip.conf 2> /dev/null; settings; echo "$root"; } | cksum | cut -d' ' -f1)
if [ "$(docker image inspect --format "{{ index .Config.Labels \"$label\" }}" python:slim 2> /dev/null)" = "$made_of" ]; then
    exit 0
fi
if [ ! -s "$root" ]; then
    echo "python-image.sh: making the root file system of python:slim, once" >&2
    make_root > "$cache/python-image.log" 2>&1 || {
        tail -n 5 "$cache/python-image.log" >&2
        echo "python-image.sh: see $cache/python-image.log" >&2
        exit 1
    }
fi

docker import --change 'CMD ["python3"]' "$root" flowmill-python-root:latest > /dev/null
container=$(docker create flowmill-python-root:latest)
[ ! -f "$certificates" ] || docker cp --follow-link "$certificates" "$container:$certificates" > /dev/null 2>&1
[ ! -f /etc/pip.conf ] || docker cp --follow-link /etc/pip.conf "$container:/etc/pip.conf" > /dev/null 2>&1
set -- --change "LABEL $label=$made_of" --change 'ENV PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'ENV LANG C.UTF-8'
settings > "$work/settings"
while IFS='=' read -r name value; do
    set -- "$@" --change "ENV $name \"$value\""
done < "$work/settings"
docker commit "$@" "$container" python:slim > /dev/null
docker tag python:slim python:3.13-slim
docker rmi --force flowmill-python-root:latest > /dev/null 2>&1 || true
