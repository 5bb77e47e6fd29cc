#!/bin/sh
# Makes sure that what building and running needs is there: Rust, a C linker, Redis and PostgreSQL.
# Installs what is missing where there is apt; takes a few milliseconds when nothing is.
# With the word `profile`, also what profiling needs.
set -eu

PATH="$PATH:/usr/local/bin:/usr/bin:/usr/sbin:${HOME:-/root}/.cargo/bin"

have() {
    command -v "$1" >/dev/null 2>&1
}

have_postgres() {
    if have postgres && have initdb; then
        return 0
    fi
    for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/local/pgsql/bin/initdb; do
        if [ -x "$initdb" ]; then
            return 0
        fi
    done
    return 1
}

if ! have cargo; then
    echo "Rust is needed and 'cargo' is not there. Install it from https://rustup.rs, then run this again." >&2
    exit 1
fi

missing=""
have redis-server || have valkey-server || missing="$missing redis-server"
have_postgres || missing="$missing postgresql"
have setpriv || missing="$missing util-linux"
if ! have cc; then
    missing="$missing build-essential"
elif ! have make; then
    missing="$missing make"
fi
if [ "${1:-}" = profile ]; then
    # Where perf is not permitted, callgrind counts.
    have perf || missing="$missing linux-perf"
    have valgrind || missing="$missing valgrind"
fi
if [ -z "$missing" ]; then
    exit 0
fi

if ! have apt-get; then
    echo "Missing here:$missing (Debian's names). Install them with this system's package manager, then run this again." >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! have sudo; then
        echo "Missing here:$missing. As root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi
echo "Installing$missing"
# Both lists of words are meant to be split.
# shellcheck disable=SC2086
exec $as_root sh "$(dirname "$0")/install-debian.sh" $missing
