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
portal=
stop() {
    [ -z "$portal" ] || { kill -TERM "$portal" 2>/dev/null || true; wait "$portal" 2>/dev/null || true; }
    portal=
}
trap 'stop; rm -rf "$data"' EXIT INT TERM

# A debug build: arithmetic is checked. Settings are given in the environment.
start() {
    port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    url="http://127.0.0.1:$port"
    env "$@" "$target/debug/portal" up --data-dir "$data/data" --listen "127.0.0.1:$port" >>"$data/log" 2>&1 &
    portal=$!
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
}

status=0
# Its name, and then what schemathesis is told besides what is given to this script.
hold() {
    echo "== $1"
    shift
    "$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run "$url/openapi.json" --checks all "$@" \
        || status=$?
}

# `portal up` on a loopback address believes who calls: a user with an account, who is an operator as well.
start AUCTION__LOG__FILTER=info
user="$("$target/debug/portal" --url "$url" user create)"
CONSISTENCY_TOKEN="$(python3 -c "
import urllib.request
request = urllib.request.Request('$url/users', data=b'', method='POST', headers={'Prefer': 'wait=30'})
print(urllib.request.urlopen(request).headers['Consistency-Token'])")"
export CONSISTENCY_TOKEN
# Where a gateway is believed, an Authorization beside its headers is of its own kind, and not looked at.
hold "a gateway says who calls" --header "X-User-Id: $user" --header "X-User-Role: operator" \
    --exclude-checks ignored_auth "$@"
stop

# The same portal, which believes tokens alone: of a seller, of a bidder, one that expired, and one that is none.
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
psql="$(sed -n 's/^ *its Postgres: *//p' "$data/log" | tail -1)"
eval "$psql -q" <<'EOF'
UPDATE sessions SET expires_at = 0 WHERE user_id = (SELECT user_id FROM accounts WHERE email = 'expired@example.org')
EOF
# Signing out would end the token that the others need.
few="--max-examples=20"
hold "a seller's token" --header "Authorization: Bearer $seller" --exclude-name "POST /sign-out" "$@"
hold "a bidder's token" --header "Authorization: Bearer $bidder" --exclude-name "POST /sign-out" $few "$@"
hold "an expired token" --header "Authorization: Bearer $expired" $few "$@"
hold "a wrong token" --header "Authorization: Bearer aps_wrong" $few "$@"
stop

if grep -q panicked "$data/log"; then
    grep -A3 panicked "$data/log" >&2
    status=1
fi
exit "$status"
