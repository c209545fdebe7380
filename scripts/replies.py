#!/usr/bin/env python3
"""What becomes of many replies at once: how long until they are acknowledged, which is after they are stored, and until each is answered.

    scripts/replies.py FOLDER [RATE] [SECONDS]

FOLDER has the programs `campanile` and `smpp-sim`. So many people a second write a keyword for so many seconds, one message each. Everything runs on
loopback, in a folder of its own, with the embedded Redis and SQLite. It fails when a reply is lost, or answered twice.
"""

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PROGRAMS = Path(sys.argv[1] if len(sys.argv) > 1 else "target/release").resolve()
RATE = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
REPLIES = RATE * SECONDS
OPERATOR = "op_" + "replies" * 6
NUMBER = "+33644630001"
SECONDS_MAX = 900

# Until then the tenant has its number and its rule.
BEGINS = 8


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """The programs, and what they are asked."""

    def __init__(self, folder):
        self.folder = folder
        self.api, self.admin, smpp, self.sim_http = (free_port() for _ in range(4))
        (folder / "operator.key").write_text(OPERATOR)
        (folder / "campanile.toml").write_text(
            f"""[api]
listen = "127.0.0.1:{self.api}"
operator_key_file = "operator.key"
[admin]
listen = "127.0.0.1:{self.admin}"
[[smsc]]
name = "north"
address = "127.0.0.1:{smpp}"
system_id = "campanile"
password = "secret"
window = 500
"""
        )
        (folder / "storm.toml").write_text(
            f"""name = "replies"
[[inbound]]
at = "{BEGINS}s"
from = "33600000000"
senders = {REPLIES}
to = "{NUMBER[1:]}"
text = "HORAIRES"
repeat = {REPLIES}
rate = "{RATE}/s"
"""
        )
        simulator = ["--listen", f"127.0.0.1:{smpp}", "--http", f"127.0.0.1:{self.sim_http}", "--scenario", "storm.toml"]
        self.programs = [self.start("smpp-sim", simulator), self.start("campanile", ["serve", "--config", "campanile.toml"])]
        self.until("the engine answers", self.is_up)

    def start(self, program, arguments):
        out = open(self.folder / f"{program}.log", "w", encoding="utf-8")
        return subprocess.Popen([PROGRAMS / program, *arguments], cwd=self.folder, stdout=out, stderr=out)

    def end(self):
        for program in reversed(self.programs):
            program.send_signal(signal.SIGTERM)
            program.wait(60)

    def is_up(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, key=OPERATOR):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", method=method, data=data)
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return json.loads(answer.read())

    @staticmethod
    def until(what, condition, pause=0.05):
        begun = time.monotonic()
        while not (found := condition()):
            if time.monotonic() - begun > SECONDS_MAX:
                sys.exit(f"{what}: not within {SECONDS_MAX} s")
            time.sleep(pause)
        return found


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
    site.until("the first reply", lambda: inbound(site, "sent") > 0, 0.01)
    begun = time.monotonic()
    took = {}
    site.until("every reply is sent", lambda: inbound(site, "sent") >= REPLIES)
    took["sent"] = time.monotonic() - begun
    site.until("every reply is acknowledged", lambda: inbound(site, "acked") >= REPLIES)
    took["acknowledged"] = time.monotonic() - begun
    site.until("every reply is answered", lambda: totals(site)["accepted"] >= REPLIES, 0.2)
    took["answered"] = time.monotonic() - begun
    for what, seconds in took.items():
        print(f"{REPLIES:,} replies {what}: {seconds:.1f} s behind the first, {REPLIES / seconds:,.0f} a second")
    # Whoever had a second answer would be here by now.
    site.until("credits are settled", lambda: site.ask("GET", f"/v1/tenants/{tenant['id']}")["credits"]["held"] == 0, 0.5)
    accepted = totals(site)["accepted"]
    if accepted != REPLIES:
        sys.exit(f"{accepted:,} answers to {REPLIES:,} replies")


def main():
    with tempfile.TemporaryDirectory(prefix="campanile-replies-") as folder:
        site = Site(Path(folder))
        try:
            measure(site)
        finally:
            site.end()


if __name__ == "__main__":
    main()
