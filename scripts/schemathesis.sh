#!/bin/sh
# Usage: schemathesis.sh [OPTION...]
# Checks that a portal conforms to its OpenAPI document: schemathesis generates valid and invalid requests from
# /openapi.json and checks every response. Options are passed on to it, such as --max-examples=500 or --seed=1.
# Needs Python 3 and, on the first run, PyPI. All files are created under target/.
set -eu

VERSION=4.32.5
target="${CARGO_TARGET_DIR:-target}"
venv="$target/schemathesis"

if ! "$venv/bin/schemathesis" --version 2>/dev/null | grep -q "version $VERSION\$"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "schemathesis==$VERSION"
fi

data="$(mktemp -d)"
portal=
stop() {
    [ -z "$portal" ] || { kill -TERM "$portal" 2>/dev/null || true; wait "$portal" 2>/dev/null || true; }
    portal=
}
trap 'stop; rm -rf "$data"' EXIT INT TERM

# Starts a debug build, which checks arithmetic. The arguments are environment variables with settings.
start() {
    port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    url="http://127.0.0.1:$port"
    env "$@" "$target/debug/portal" up --data-dir "$data/data" --listen "127.0.0.1:$port" >>"$data/log" 2>&1 &
    portal=$!
    n=0
    until python3 -c "import urllib.request; urllib.request.urlopen('$url/readyz')" 2>/dev/null; do
        n=$((n + 1))
        if [ "$n" -gt 240 ] || ! kill -0 "$portal" 2>/dev/null; then
            echo "the portal did not become ready; its log ends with:" >&2
            tail -20 "$data/log" >&2
            exit 1
        fi
        sleep 0.5
    done
}

status=0
# Runs one check. The first argument is its name; the others are options for schemathesis.
check() {
    echo "== $1"
    shift
    "$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run "$url/openapi.json" --checks all "$@" \
        || status=$?
}

# `portal up` on a loopback address trusts the identity headers. The caller is a user with an account, and an operator.
start AUCTION__LOG__FILTER=info
user="$("$target/debug/portal" --url "$url" user create)"
CONSISTENCY_TOKEN="$(python3 -c "
import urllib.request
request = urllib.request.Request('$url/users', data=b'', method='POST', headers={'Prefer': 'wait=30'})
print(urllib.request.urlopen(request).headers['Consistency-Token'])")"
export CONSISTENCY_TOKEN
# When a gateway is trusted, the portal ignores an Authorization header beside the identity headers.
check "identity headers of a gateway" --header "X-User-Id: $user" --header "X-User-Role: operator" \
    --exclude-checks ignored_auth "$@"
stop

# The same portal, which accepts only tokens: of a seller, of a bidder, an expired one, and an invalid one.
start AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER=false
token() {
    python3 - "$url" "$1" "$2" <<'EOF'
import json, sys, urllib.request
url, email, role = sys.argv[1:]
def post(path, body):
    headers = {"Content-Type": "application/json", "Prefer": "wait=30"}
    return json.load(urllib.request.urlopen(urllib.request.Request(url + path, json.dumps(body).encode(), headers)))
account = {"email": email, "password": "correct horse battery"}
post("/sign-up", {**account, "name": "Ada", "role": role})
print(post("/sign-in", account)["token"])
EOF
}
seller="$(token seller@example.org seller)"
bidder="$(token bidder@example.org bidder)"
expired="$(token expired@example.org bidder)"
psql="$(sed -n 's/^ *Postgres: *//p' "$data/log" | tail -1)"
eval "$psql -q" <<'EOF'
UPDATE sessions SET expires_at = 0 WHERE user_id = (SELECT user_id FROM accounts WHERE email = 'expired@example.org')
EOF
# Signing out would revoke the token that the other requests need.
few="--max-examples=20"
check "token of a seller" --header "Authorization: Bearer $seller" --exclude-name "POST /sign-out" "$@"
check "token of a bidder" --header "Authorization: Bearer $bidder" --exclude-name "POST /sign-out" $few "$@"
check "expired token" --header "Authorization: Bearer $expired" $few "$@"
check "invalid token" --header "Authorization: Bearer aps_wrong" $few "$@"
stop

if grep -q panicked "$data/log"; then
    grep -A3 panicked "$data/log" >&2
    status=1
fi
exit "$status"
