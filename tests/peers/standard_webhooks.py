"""Verifies webhooks by the package standardwebhooks: a JSON line each on standard input, {"secret", "headers", "body"}.

Says `ok` or `refused` for each.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    posted = json.loads(line)
    try:
        Webhook(posted["secret"]).verify(posted["body"], posted["headers"])
        print("ok")
    except WebhookVerificationError:
        print("refused")
