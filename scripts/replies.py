#!/usr/bin/env python3
"""What becomes of many replies at once: how long until they are acknowledged, which is after they are stored, and until each is answered.

    scripts/replies.py FOLDER [RATE] [SECONDS]

FOLDER has the programs `campanile` and `smpp-sim`. So many people a second write a keyword for so many seconds, one message each. Everything runs on
loopback, in a folder of its own, with the embedded Redis and SQLite. It fails when a reply is lost, or answered twice.
"""

import json
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from one_site import Site, until

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "target/release"
RATE = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
REPLIES = RATE * SECONDS
NUMBER = "+33644630001"

# Until then the tenant has its number and its rule.
BEGINS = 8


SCENARIO = f"""name = "replies"
[[inbound]]
at = "{BEGINS}s"
from = "33600000000"
senders = {REPLIES}
to = "{NUMBER[1:]}"
text = "HORAIRES"
repeat = {REPLIES}
rate = "{RATE}/s"
"""


def inbound(site, event):
    text = urllib.request.urlopen(f"http://127.0.0.1:{site.sim_http}/metrics", timeout=30).read().decode()
    found = re.findall(rf'^smppsim_inbound_total\{{[^}}]*event="{event}"[^}}]*\}} (\S+)$', text, re.M)
    return sum(int(float(value)) for value in found)


def totals(site):
    with urllib.request.urlopen(f"http://127.0.0.1:{site.sim_http}/ledger/totals", timeout=30) as answer:
        return json.loads(answer.read())


def measure(site):
    tenant = site.ask("POST", "/v1/tenants", {"name": "Replies"})
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": 2 * REPLIES})
    number = site.ask("POST", "/v1/inventory", {"number": NUMBER, "country": "FR"})
    site.ask("PUT", f"/v1/tenants/{tenant['id']}/numbers/{number['id']}")
    rule = {"name": "Horaires", "match": "exact", "keywords": ["HORAIRES"], "text": "De 9 h à 18 h."}
    site.ask("POST", "/v1/auto_replies", rule, tenant["api_key"])
    if inbound(site, "sent") > 0:
        sys.exit("the replies began before the rule was there")
    until("the first reply", lambda: inbound(site, "sent") > 0, 0.01)
    begun = time.monotonic()
    took = {}
    until("every reply is sent", lambda: inbound(site, "sent") >= REPLIES)
    took["sent"] = time.monotonic() - begun
    until("every reply is acknowledged", lambda: inbound(site, "acked") >= REPLIES)
    took["acknowledged"] = time.monotonic() - begun
    until("every reply is answered", lambda: totals(site)["accepted"] >= REPLIES, 0.2)
    took["answered"] = time.monotonic() - begun
    for what, seconds in took.items():
        print(f"{REPLIES:,} replies {what}: {seconds:.1f} s behind the first, {REPLIES / seconds:,.0f} a second")
    # Whoever had a second answer would be here by now.
    until("credits are settled", lambda: site.ask("GET", f"/v1/tenants/{tenant['id']}")["credits"]["held"] == 0, 0.5)
    accepted = totals(site)["accepted"]
    if accepted != REPLIES:
        sys.exit(f"{accepted:,} answers to {REPLIES:,} replies")


def main():
    with tempfile.TemporaryDirectory(prefix="campanile-replies-") as folder:
        site = Site(Path(folder), PROGRAMS, SCENARIO)
        try:
            measure(site)
        finally:
            site.end()


if __name__ == "__main__":
    main()
