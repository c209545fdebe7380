#!/usr/bin/env python3
"""How long large things take: a file of contacts, filters over them, a campaign that means them all, and its history; and what another clinic has
to wait meanwhile.

    scripts/scale.py FOLDER [CONTACTS]

FOLDER has the programs `campanile` and `smpp-sim`. Everything runs on loopback, in a folder of its own, with the embedded Redis and SQLite.
"""

import json
import random
import re
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import one_site
from one_site import until

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "target/release"
CONTACTS = int(sys.argv[2]) if len(sys.argv) > 2 else 500_000

# Whom the other clinic writes to.
BESIDE = 33_680_000_000

FIRST = ["Léa", "Lou", "Zoé", "Hugo", "Jules", "Ana", "Noé", "Maël", "Chloé", "Inès"]
LAST = ["Martin", "Durand", "Petit", "Lefèvre", "Moreau", "Garcia", "Bernard", "Roux", "D'Amato", "Faure"]
TOWNS = ["Lyon", "Nice", "Brest", "Lille", "Dijon", "Tours"]
FILTERS = {
    "by practice": {"field": "practice", "is": "Lyon"},
    "by name and attribute": {"all": [{"field": "last_name", "is": "Martin"}, {"field": "attributes.ville", "is": "Nice"}]},
    "not written to for a month": {"not": {"field": "last_contacted", "from": "-1 month"}},
}


class Site(one_site.Site):
    """With what is read of the engine besides."""

    def metric(self, name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10).read().decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])

    def peak_mib(self):
        status = Path(f"/proc/{self.programs[1].pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


class Beside(threading.Thread):
    """Another clinic, which goes on: a single message and a look at its account, again and again, each of them timed."""

    def __init__(self, site):
        super().__init__(daemon=True)
        tenant = site.ask("POST", "/v1/tenants", {"name": "Beside"})
        site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": 100_000})
        self.site, self.key, self.over = site, tenant["api_key"], threading.Event()
        self.sent, self.took, self.fault = {}, [], None

    def run(self):
        try:
            self.go_on()
        except SystemExit as fault:
            self.fault = fault

    def go_on(self):
        message = {"sender": "OSTEO", "purpose": "transactional", "text": "Votre code : 1234"}
        while not self.over.wait(0.02):
            number, begun = BESIDE + len(self.sent), time.time()
            self.site.ask("POST", "/v1/messages", {**message, "to": f"+{number}"}, self.key)
            self.sent[number] = begun
            looked = time.time()
            self.site.ask("GET", "/v1/tenant", key=self.key)
            self.took += [looked - begun, time.time() - looked]

    def end(self):
        self.over.set()
        self.join()
        if self.fault:
            raise self.fault

    def report(self):
        came = {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self.site.sim_http}/ledger", timeout=900) as lines:
            for row in map(json.loads, lines):
                came[int(row["recipient"])] = row["received_at_us"] / 1e6
        self.say("a call of the API", self.took)
        self.say("from the call to the wire", [came[number] - begun for number, begun in self.sent.items()])

    @staticmethod
    def say(what, seconds):
        seconds = sorted(seconds)
        p50, p99 = (1_000 * seconds[len(seconds) * share // 100] for share in (50, 99))
        print(f"beside, {what}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, of {len(seconds)}")


def contacts():
    """As a spreadsheet writes them in France: semicolons, Windows-1252."""
    chance = random.Random(7)
    lines = ["Référence;Nom;Prénom;Portable;Date de naissance;Cabinet;Ville"]
    for at in range(CONTACTS):
        birth = f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/{chance.randint(1930, 2010)}"
        practice = chance.choice(TOWNS[:2])
        lines.append(f"P{at};{chance.choice(LAST)};{chance.choice(FIRST)};06{at:08};{birth};{practice};{chance.choice(TOWNS)}")
    return "\r\n".join(lines).encode("cp1252")


def measure(site):
    tenant = site.ask("POST", "/v1/tenants", {"name": "Scale"})
    key = tenant["api_key"]
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": 3 * CONTACTS})
    file = contacts()
    begun = time.monotonic()
    made = site.ask("POST", "/v1/imports", file, key, "text/csv")
    path = f"/v1/imports/{made['id']}"
    until("the import ends", lambda: site.ask("GET", path, key=key)["state"] == "completed", 0.2)
    took = time.monotonic() - begun
    print(f"import of {CONTACTS:,} contacts: {took:.1f} s, {CONTACTS / took:,.0f} a second; peak of the engine {site.peak_mib()} MiB")
    text = {
        "name": "Scale",
        "sender": "OSTEO",
        "purpose": "transactional",
        "text": "Bonjour [Prenom], le cabinet de [Cabinet] ferme.",
        "audience": {"filter": {}},
    }
    campaign = site.ask("POST", "/v1/campaigns", text, key)["id"]
    beside = Beside(site)
    beside.start()
    site.ask("POST", f"/v1/campaigns/{campaign}/launch", b"", key)
    view = lambda: site.ask("GET", f"/v1/campaigns/{campaign}", key=key)
    (resolved, took) = until("recipients are found out", lambda: (seen := view())["state"] != "resolving" and seen, 0.02)
    found = resolved["audience"]["accepted"]
    print(f"finding out {found:,} recipients: {took:.1f} s, {found / took:,.0f} a second")
    (_, first) = until("a first submission", lambda: sum(view()["statuses"].values()), 0.02)
    print(f"first submission seen: {first:.2f} s behind that")
    (_, took) = until("all is sent", lambda: view()["state"] == "completed")
    print(f"sent: {found / (first + took):,.0f} messages a second; history was {site.metric('campanile_history_lag_seconds'):.0f} s behind")
    beside.end()
    rows = site.metric("campanile_history_rows_total")
    (_, took) = until("history is written", lambda: site.metric("campanile_history_lag_seconds") < 2)
    rows = site.metric("campanile_history_rows_total") - rows
    if took > 1:
        print(f"history catches up: {rows:,.0f} rows in {took:.1f} s, {rows / took:,.0f} a second")
    beside.report()
    for name, chosen in FILTERS.items():
        times = []
        for _ in range(3):
            begun = time.monotonic()
            total = site.ask("POST", "/v1/contacts/search", {"filter": chosen, "limit": 1}, key)["total"]
            times.append(time.monotonic() - begun)
        print(f"filter {name}: {total:,} of {CONTACTS:,} in {1_000 * min(times):.0f} ms")
    print(f"peak of the engine {site.peak_mib()} MiB")


def main():
    with tempfile.TemporaryDirectory(prefix="campanile-scale-") as folder:
        site = Site(Path(folder), PROGRAMS)
        try:
            measure(site)
        finally:
            site.end()


if __name__ == "__main__":
    main()
