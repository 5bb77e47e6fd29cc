#!/bin/sh
# Usage: standardwebhooks.sh FILE
# Verifies webhook messages with the reference library of Standard Webhooks, https://www.standardwebhooks.com. FILE
# contains one JSON object per line, with the members secret, headers and body. Needs Python 3 and, on the first run,
# PyPI. All files are created under target/.
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
