#!/bin/sh
# Holds the description of the API against a portal: schemathesis makes up requests from /openapi.json, sensible ones
# and others, and checks every answer. Needs Python 3 and, the first time, PyPI; everything lies under target/.
# More options for it can be given, such as --max-examples=500 or --seed=1.
set -eu

VERSION=4.32.5
target="${CARGO_TARGET_DIR:-target}"
venv="$target/schemathesis"

if ! "$venv/bin/schemathesis" --version 2>/dev/null | grep -q "version $VERSION\$"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "schemathesis==$VERSION"
fi

data="$(mktemp -d)"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
url="http://127.0.0.1:$port"
# A debug build: arithmetic is checked.
"$target/debug/portal" up --data-dir "$data/data" --listen "127.0.0.1:$port" >"$data/log" 2>&1 &
portal=$!
stop() {
    kill -TERM "$portal" 2>/dev/null || true
    wait "$portal" 2>/dev/null || true
    rm -rf "$data"
}
trap stop EXIT INT TERM

n=0
until python3 -c "import urllib.request; urllib.request.urlopen('$url/readyz')" 2>/dev/null; do
    n=$((n + 1))
    if [ "$n" -gt 240 ] || ! kill -0 "$portal" 2>/dev/null; then
        echo "the portal does not become ready:" >&2
        tail -20 "$data/log" >&2
        exit 1
    fi
    sleep 0.5
done

# `portal up` on a loopback address believes who calls: a user with an account, who is an operator as well.
user="$("$target/debug/portal" --url "$url" user create)"
CONSISTENCY_TOKEN="$(python3 -c "
import urllib.request
request = urllib.request.Request('$url/users', data=b'', method='POST', headers={'Prefer': 'wait=30'})
print(urllib.request.urlopen(request).headers['Consistency-Token'])")"
export CONSISTENCY_TOKEN
status=0
"$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run "$url/openapi.json" --checks all \
    --header "X-User-Id: $user" --header "X-User-Role: operator" "$@" || status=$?
if grep -q panicked "$data/log"; then
    grep -A3 panicked "$data/log" >&2
    status=1
fi
exit "$status"
