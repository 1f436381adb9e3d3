#!/bin/sh
# Fetches libduckdb.so, which the DuckDB tasks load at run time, from the npm registry.
#
#   duckdb/fetch.sh [FOLDER]        default: target/duckdb of this repository
#
# The version is pinned and the archive's sha256 checked. It does nothing when the library is already there.
# Without npm or a network it says how to install the library by hand and ends with 0, because every other task
# works without it; with REQUIRE_BACKENDS=1 (continuous integration) it ends with 1 then.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$repository/target/duckdb}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
    package=@duckdb/node-bindings-linux-x64
    version=1.5.6-r.1
    sha256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
    ;;
Linux-aarch64 | Linux-arm64)
    package=@duckdb/node-bindings-linux-arm64
    version=1.5.5-r.5
    sha256=3b85f3ea438f7dc3691d7b5e6e4222ffe9127fd17885f96ca72e0c99925c348e
    ;;
*)
    package=
    version=
    sha256=
    ;;
esac

give_up() {
    cat >&2 <<MESSAGE
duckdb: $1
duckdb: the tasks io.kestra.plugin.jdbc.duckdb.* fail until libduckdb is installed; everything else works.
duckdb: to install it, take libduckdb for your platform from duckdb.org/install (C/C++), and either
duckdb:   put libduckdb.so into $folder, /usr/local/lib, or lib/ of the data directory, or
duckdb:   name it: FLOWMILL_DUCKDB_LIB=/path/to/libduckdb.so
MESSAGE
    if [ "${REQUIRE_BACKENDS:-}" = 1 ]; then exit 1; fi
    exit 0
}

sha256_of() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum "$1" | cut -d ' ' -f 1
    else
        shasum -a 256 "$1" | cut -d ' ' -f 1
    fi
}

if [ -f "$folder/libduckdb.so" ] && [ "$(cat "$folder/.fetched" 2>/dev/null)" = "$package@$version $sha256" ]; then
    exit 0
fi
[ -n "$package" ] || give_up "there is no prebuilt package for $(uname -s) $(uname -m)"
command -v npm >/dev/null 2>&1 || give_up "npm is not installed, so $package cannot be fetched"

mkdir -p "$folder"
scratch=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

echo "duckdb: fetching $package@$version" >&2
if ! (cd "$scratch" && npm pack --silent "$package@$version" >archive.name 2>npm.log); then
    sed 's/^/duckdb: /' "$scratch/npm.log" >&2
    give_up "npm could not fetch $package@$version"
fi
archive=$scratch/$(tail -n 1 "$scratch/archive.name")

found=$(sha256_of "$archive")
if [ "$found" != "$sha256" ]; then
    echo "duckdb: $package@$version has the sha256 $found, expected $sha256: refused" >&2
    exit 1
fi

tar -xzf "$archive" -C "$scratch" package/libduckdb.so package/LICENSE
# Renames are atomic: an interrupted fetch leaves either the old library or the new one, never half of one.
mv "$scratch/package/LICENSE" "$folder/LICENSE"
mv "$scratch/package/libduckdb.so" "$folder/libduckdb.so"
echo "$package@$version $sha256" >"$folder/.fetched"
echo "duckdb: $folder/libduckdb.so is DuckDB ${version%-*}" >&2
