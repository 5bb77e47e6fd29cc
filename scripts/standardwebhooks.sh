#!/bin/sh
# Verifies webhooks with the reference library of Standard Webhooks, https://www.standardwebhooks.com. Its argument is a
# file with a JSON object a line: secret, headers, body. Needs Python 3 and, the first time, PyPI; everything lies under
# target/.
set -eu

VERSION=1.1.0
venv="${CARGO_TARGET_DIR:-target}/standardwebhooks"

if ! "$venv/bin/python" -c "from standardwebhooks import __version__ as v; exit(v != '$VERSION')" 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "standardwebhooks==$VERSION"
fi
"$venv/bin/python" - "$1" <<'PYTHON'
import json
import sys

from standardwebhooks import Webhook

messages = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
for message in messages:
    Webhook(message["secret"]).verify(message["body"], message["headers"])
print("verified", len(messages))
PYTHON
