#!/bin/sh
# Usage: setup.sh [profile]
# Checks the programs that building, running and testing need: Rust, a C linker, Redis, PostgreSQL and PgBouncer. With
# `profile`, also the programs for profiling. Installs missing ones with apt-get, except Rust. Takes a few milliseconds if
# none is missing.
set -eu

PATH="$PATH:/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:${HOME:-/root}/.cargo/bin"

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
    echo "Rust is required, but 'cargo' was not found. Install Rust from https://rustup.rs, then run this script again." >&2
    exit 1
fi

missing=""
have redis-server || have valkey-server || missing="$missing redis-server"
have_postgres || missing="$missing postgresql"
# Only the tests need PgBouncer, so a system without apt-get can build and run without it.
have pgbouncer || ! have apt-get || missing="$missing pgbouncer"
have setpriv || missing="$missing util-linux"
if ! have cc; then
    missing="$missing build-essential"
elif ! have make; then
    missing="$missing make"
fi
if [ "${1:-}" = profile ]; then
    # Callgrind (valgrind) replaces perf where perf is not permitted.
    have perf || missing="$missing linux-perf"
    have valgrind || missing="$missing valgrind"
fi
if [ -z "$missing" ]; then
    exit 0
fi

if ! have apt-get; then
    echo "Missing packages (Debian names):$missing. Install them with the package manager of this system, then run this script again." >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! have sudo; then
        echo "Missing packages:$missing. As root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi
echo "Installing$missing"
# Both variables are lists that must be split into words.
# shellcheck disable=SC2086
exec $as_root sh "$(dirname "$0")/install-debian.sh" $missing
