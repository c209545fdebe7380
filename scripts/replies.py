#!/usr/bin/env python3
"""What becomes of many replies at once: how long until they are acknowledged, which is after they are stored, and until each is answered.

    scripts/replies.py FOLDER [RATE] [SECONDS] [WAITING] [SMSC_RATE]

FOLDER has the programs `campanile` and `smpp-sim`. So many people a second write a keyword for so many seconds, one message each. With WAITING, so many
messages of campaigns wait meanwhile, half of them paused; the others go at what answers leave of the rate of the SMSC. Everything runs
on loopback, in a folder of its own, with the embedded Redis and SQLite. It fails when a reply is lost, or answered twice.
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
WAITING = int(sys.argv[4]) if len(sys.argv) > 4 else 0
SMSC_RATE = int(sys.argv[5]) if len(sys.argv) > 5 else max(1_000, 4 * RATE)
REPLIES = RATE * SECONDS
NUMBER = "+33644630001"
FIRST = 33_600_000_000

# The simulator remembers as many inbound messages.
TIMED_MAX = 100_000

SCENARIO = f"""name = "replies"
[[inbound]]
at = "0s"
from = "{FIRST}"
senders = {REPLIES}
to = "{NUMBER[1:]}"
text = "HORAIRES"
repeat = {REPLIES}
rate = "{RATE}/s"
"""


def simulator(site, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{site.sim_http}{path}", data=body)
    return urllib.request.urlopen(request, timeout=60)


def inbound(site, event):
    text = simulator(site, "/metrics").read().decode()
    found = re.findall(rf'^smppsim_inbound_total\{{[^}}]*event="{event}"[^}}]*\}} (\S+)$', text, re.M)
    return sum(int(float(value)) for value in found)


class Answers:
    """When each was answered, by the simulator's ledger, which is read on from where it was read."""

    def __init__(self, site):
        self.site, self.next, self.at, self.twice = site, 0, {}, 0

    def read(self):
        for line in simulator(self.site, f"/ledger?from={self.next}"):
            row = json.loads(line)
            self.next = row["sequence"] + 1
            number = int(row["recipient"])
            if row["accepted_at_us"] and FIRST <= number < FIRST + REPLIES:
                self.twice += number in self.at
                self.at[number] = row["received_at_us"]
        return len(self.at)


def have_wait(site, key):
    """Campaigns of advertising: one is paused at once, the other goes on."""
    campaigns = []
    for half in range(2):
        first = 33_620_000_000 + half * WAITING
        people = [{"to": f"+{first + at}"} for at in range(WAITING // 2)]
        order = {"name": "Nouvelles", "sender": "Cabinet", "purpose": "marketing", "text": "Portes ouvertes. STOP au 36180",
                 "audience": {"recipients": people}}
        made = site.ask("POST", "/v1/campaigns", order, key)
        path = f"/v1/campaigns/{made['id']}"
        site.ask("POST", f"{path}/launch", {}, key)
        if half == 0:
            site.ask("POST", f"{path}/pause", {}, key)
        campaigns.append(path)
    return campaigns


def queued(site, campaigns, key):
    return sum(site.ask("GET", path, key=key)["progress"]["queued"] for path in campaigns)


def measure(site):
    tenant = site.ask("POST", "/v1/tenants", {"name": "Replies"})
    key = tenant["api_key"]
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": 2 * REPLIES + 2 * WAITING})
    number = site.ask("POST", "/v1/inventory", {"number": NUMBER, "country": "FR"})
    site.ask("PUT", f"/v1/tenants/{tenant['id']}/numbers/{number['id']}")
    rule = {"name": "Horaires", "match": "exact", "keywords": ["HORAIRES"], "text": "De 9 h à 18 h."}
    site.ask("POST", "/v1/auto_replies", rule, key)
    campaigns = have_wait(site, key) if WAITING else []
    waited = queued(site, campaigns, key)
    answers = Answers(site)
    simulator(site, "/scenario", SCENARIO.encode())
    until("the first reply", lambda: inbound(site, "sent") > 0, 0.01)
    begun = time.monotonic()
    took = {}
    until("every reply is sent", lambda: inbound(site, "sent") >= REPLIES)
    took["sent"] = time.monotonic() - begun
    until("every reply is acknowledged", lambda: inbound(site, "acked") >= REPLIES)
    took["acknowledged"] = time.monotonic() - begun
    until("every reply is answered", lambda: answers.read() >= REPLIES, 0.2)
    took["answered"] = time.monotonic() - begun
    for what, seconds in took.items():
        print(f"{REPLIES:,} replies {what}: {seconds:.1f} s behind the first, {REPLIES / seconds:,.0f} a second")
    if campaigns:
        print(f"{waited:,} messages waited at the first reply, {queued(site, campaigns, key):,} at the last answer")
    if REPLIES <= TIMED_MAX:
        said = {int(message["from"]): message["at_us"] for message in json.load(simulator(site, "/inbound"))}
        late = sorted((answers.at[number] - said[number]) / 1e3 for number in answers.at)
        part = {share: late[min(len(late) - 1, len(late) * share // 100)] for share in (50, 95, 99)}
        print("from deliver_sm to the answer's submit_sm: " + ", ".join(f"p{share} {ms:.0f} ms" for share, ms in part.items()) + f", max {late[-1]:.0f} ms")
    # Whoever had a second answer would be here by now.
    for path in campaigns:
        site.ask("POST", f"{path}/cancel", {}, key)
    until("credits are settled", lambda: site.ask("GET", f"/v1/tenants/{tenant['id']}")["credits"]["held"] == 0, 0.5)
    if answers.read() != REPLIES or answers.twice:
        sys.exit(f"{len(answers.at):,} of {REPLIES:,} replies were answered, {answers.twice:,} twice")


def main():
    smsc = f'rate = "{SMSC_RATE}/s"\n' if WAITING else ""
    with tempfile.TemporaryDirectory(prefix="campanile-replies-") as folder:
        site = Site(Path(folder), PROGRAMS, smsc=smsc)
        try:
            measure(site)
        finally:
            site.end()


if __name__ == "__main__":
    main()
