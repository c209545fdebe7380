#!/usr/bin/env python3
"""A month of reminders, each of which goes once: whatever is killed, whatever clocks are set to, and in both nights in which clocks change.

    scripts/reminders.py FOLDER [REMINDERS] [RATE] [SEED]

FOLDER has the programs `campanile` and `smpp-sim`. So many appointments are booked, each with a reminder of its own, due on thirty days of October
2026: so many a second for as long as a day's share takes, over which the clocks go as fast as any. Between two days the clocks of all programs are
set a day ahead, mostly while the engine is down, sometimes while it runs. It is killed in some of the days, and in others the clock of the machine, of
Redis, or of both is wrong for a while. In one night the clocks of Sydney are put forward, in another those of Paris back.

It fails when a reminder is missing in the simulator's ledger, is there twice, or came before its time.
"""

import bisect
import json
import mmap
import random
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from one_site import Site, until

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "target/release"
REMINDERS = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
RATE = int(sys.argv[3]) if len(sys.argv) > 3 else 500
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1

DAYS = 30
ZONES = [ZoneInfo("Europe/Paris"), ZoneInfo("Australia/Sydney")]
# Noon of a day in Sydney whose clocks are put forward on the next, and the hour at which those of Paris are put back.
FORWARD = datetime(2026, 10, 3, 16, tzinfo=timezone.utc)
BACK = datetime(2026, 10, 25, 1, tzinfo=timezone.utc)
BACK_DAY = 21

# A day has to be as long as what goes wrong in it.
SECONDS_MIN = 20
# Programs are up and in step by then.
BEFORE = 8
# Clocks that were set ahead are believed after a minute; see the engine's clock.
BELIEVED = 75
# Days before which the clocks are set while all run.
SLEPT = {5, 17}

# Half of what a round trip to Redis takes at the most, while it loads: an engine that starts knows its time no better.
EARLY_S = 0.5

SCENARIO = f"""name = "reminders"
[ledger]
rows_max = {REMINDERS + 1_000}
"""


class Clocks:
    """The wall clocks of programs, each shifted by the seconds in a file of its own. The simulator's is this machine's, by which is measured."""

    PROGRAMS = ("campanile", "redis-server")

    def __init__(self, folder):
        source = Path(__file__).parent.parent / "tests/clock/shifted.c"
        library = folder / "shifted.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        shifts = folder / "clocks"
        shifts.mkdir()
        self.environment = {"LD_PRELOAD": str(library), "SHIFT_FOLDER": str(shifts)}
        self.files = {}
        for program in self.PROGRAMS:
            (shifts / program).write_bytes(struct.pack("<q", 0))
            with open(shifts / program, "r+b") as file:
                self.files[program] = mmap.mmap(file.fileno(), 8)
        self.shift = 0

    def set_to(self, moment):
        """All of them, for good."""
        self.shift = round(moment - time.time())
        self.off(0)

    def off(self, seconds, programs=PROGRAMS):
        """Those are wrong by so many seconds."""
        for program in programs:
            self.files[program][:8] = struct.pack("<q", self.shift + seconds)

    def now(self):
        return time.time() + self.shift


class Month:
    """What is due, and when. Everything that is left to chance follows from the seed."""

    def __init__(self):
        self.dice = random.Random(SEED)
        each = [REMINDERS // DAYS + (day < REMINDERS % DAYS) for day in range(DAYS)]
        self.seconds = max(SECONDS_MIN, -(-max(each) // RATE))
        self.begins, self.due, self.each = [], {}, each
        # By how much clocks are shifted on each day.
        self.shifts = []
        for day, count in enumerate(each):
            middle = BACK if day == BACK_DAY else FORWARD + timedelta(days=day)
            begin = int(middle.timestamp()) - self.seconds // 2
            self.begins.append(begin)
            for at in range(count):
                self.due[33_600_000_000 + len(self.due)] = begin + at * self.seconds // count

    def events(self):
        """Each appointment, as a practice hands it in."""
        for number, due in self.due.items():
            zone = ZONES[number % 2]
            event = {"reference": str(number), "number": f"+{number}", "time_zone": zone.key, "kind": "Heures"}
            moment = datetime.fromtimestamp(due, timezone.utc)
            event["starts_at"] = (moment + timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%SZ")
            local = datetime.fromtimestamp(due, zone).replace(tzinfo=None)
            # What has no time of its own, or two, is reminded of by hours.
            ways = {local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
            if number % 4 < 2 and ways == {due}:
                event["kind"] = "Jours"
                event["starts_at"] = (local + timedelta(days=1)).isoformat()
            yield event


def kept_by_redis(site):
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(str(next((site.folder / "data").rglob("*.sock"))))
        redis.sendall(b"INFO memory\r\n")
        return int(re.search(rb"used_memory:(\d+)", redis.recv(1 << 16)).group(1))


def kept_by_sql(site):
    """Octets of the database, and of the reminders in it with their indexes, if this SQLite can tell."""
    with sqlite3.connect(f"file:{site.folder}/data/campanile.db?mode=ro", uri=True) as database:
        count, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        try:
            timers = database.execute("SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%reminder%'").fetchone()[0]
        except sqlite3.OperationalError:
            timers = None
    return count * size, timers


def totals(site):
    with urllib.request.urlopen(f"http://127.0.0.1:{site.sim_http}/ledger/totals", timeout=30) as answer:
        return json.loads(answer.read())


def book(site, month):
    tenant = site.ask("POST", "/v1/tenants", {"name": "Reminders"})
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": 2 * REMINDERS})
    key = tenant["api_key"]
    for kind, offset in (("Jours", "-1d"), ("Heures", "-24h")):
        plan = {"name": kind, "kinds": [kind], "offsets": [offset], "sender": "Cabinet", "text": "RDV [date] [heure]"}
        site.ask("POST", "/v1/reminder_plans", plan, key)
    before = (kept_by_redis(site), kept_by_sql(site))
    begun, some = time.monotonic(), []
    for event in month.events():
        some.append(event)
        if len(some) == 1_000:
            site.ask("POST", "/v1/events", {"events": some}, key)
            some = []
    if some:
        site.ask("POST", "/v1/events", {"events": some}, key)
    took = time.monotonic() - begun
    print(f"{REMINDERS:,} appointments with a reminder each are booked in {took:.0f} s, {REMINDERS / took:,.0f} a second", flush=True)
    after = (kept_by_redis(site), kept_by_sql(site))
    print(f"a timer that waits: {(after[0] - before[0]) / REMINDERS:.1f} octets of Redis, {(after[1][0] - before[1][0]) / REMINDERS:.0f} of SQL with its appointment", end="")
    print(f", {(after[1][1] - before[1][1]) / REMINDERS:.0f} without" if after[1][1] else "", flush=True)
    return key


class Faults:
    """What goes wrong in a day: nothing, a kill, or a wrong clock."""

    def __init__(self, site, clocks, month):
        self.site, self.clocks, self.month = site, clocks, month
        self.kills, self.outages = 0, []

    def kill(self):
        down = self.clocks.now()
        self.site.kill_engine()
        self.site.start_engine()
        self.kills += 1
        self.outages.append((down, self.clocks.now()))

    def of_day(self, day):
        """What is done in it, and how long after its begin."""
        dice, seconds = self.month.dice, self.month.seconds
        wrong = dice.choice([-7_200, -30, 30, 7_200, 3 * 86_400])
        whose = dice.choice([("campanile",), ("redis-server",), ("campanile", "redis-server")])
        at = dice.uniform(seconds * 0.2, seconds * 0.5)
        # A clock that is wrong for a minute and more, in step with the other, is right: all that run by it slept.
        until_right = at + min(seconds * 0.3, 15)
        if day % 5 == 1:
            return [(at, self.kill)]
        if day % 5 == 3:
            return [(at, lambda: self.clocks.off(wrong, whose)), (until_right, lambda: self.clocks.off(0))]
        return []


def a_day(site, clocks, faults, day, sent):
    begin, month = faults.month.begins[day], faults.month
    if day in SLEPT:
        clocks.set_to(begin - BELIEVED)
    else:
        site.kill_engine()
        clocks.set_to(begin - BEFORE)
        site.start_engine()
        faults.kills += 1
    month.shifts.append(clocks.shift)
    for after, do in faults.of_day(day):
        time.sleep(max(0, begin + after - clocks.now()))
        do()
    time.sleep(max(0, begin + month.seconds - clocks.now()))
    # A reminder whose engine was killed is begun anew ten seconds later; what is in doubt never comes.
    last = [totals(site)["submits"], time.monotonic()]

    def is_over():
        now = totals(site)["submits"]
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return now >= sent or time.monotonic() - last[1] > 25

    until("the day is over", is_over, 0.2)
    return totals(site)["submits"]


def ledger(site):
    with urllib.request.urlopen(f"http://127.0.0.1:{site.sim_http}/ledger", timeout=900) as lines:
        for line in lines:
            row = json.loads(line)
            yield int(row["recipient"]), row["received_at_us"] / 1e6


def part(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def in_doubt(site, number, key):
    """Whether an engine died between handing a message over and hearing of it; days later that is how it ended."""
    event = site.ask("GET", f"/v1/events?reference={number}", key=key)["data"][0]
    event = site.ask("GET", f"/v1/events/{event['id']}", key=key)
    message = event["reminders"][0].get("message")
    if not message:
        return False
    message = site.ask("GET", f"/v1/messages/{message}", key=key)
    return "in_doubt" in (message["status"], message["reason"])


def compare(site, month, faults, key):
    came, twice = {}, []
    for number, at in ledger(site):
        if number in came:
            twice.append(number)
        due = month.due[number]
        day = bisect.bisect(month.begins, due) - 1
        came[number] = at + month.shifts[day] - due
    missing = [number for number in month.due if number not in came]
    lost = [number for number in missing if not in_doubt(site, number, key)]
    early = [number for number, late in came.items() if late < -EARLY_S]

    def is_in_outage(number):
        due = month.due[number]
        return any(down - 1 <= due <= up + 10 for down, up in faults.outages)

    print(f"{len(came):,} of {len(month.due):,} reminders came, {len(twice)} twice, {len(early)} early, {len(lost)} are lost; "
          f"{len(missing) - len(lost)} are in doubt: their engine was killed as it handed them over")
    undisturbed = sorted(late for number, late in came.items() if not is_in_outage(number))
    for what, lateness in (("all", sorted(came.values())), ("of those due while an engine ran", undisturbed)):
        print(f"lateness, {what}: p50 {part(lateness, 0.5):.2f} s, p99 {part(lateness, 0.99):.2f} s, max {lateness[-1]:.2f} s, min {lateness[0]:.2f} s")
    longest = max((up - down for down, up in faults.outages), default=0)
    print(f"the engine was killed {faults.kills} times, {len(faults.outages)} of them in the midst of a day, and up again within {longest:.1f} s")
    if twice or lost or early:
        sys.exit(f"twice: {twice[:5]}, lost: {lost[:5]}, early: {early[:5]}")


def main():
    # Programs are ended whatever ends this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    month = Month()
    print(f"{DAYS} days of {month.seconds} s, seed {SEED}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="campanile-reminders-"))
    clocks = Clocks(folder)
    clocks.set_to(month.begins[0] - 86_400)
    site = Site(folder, PROGRAMS, SCENARIO, clocks.environment)
    try:
        key = book(site, month)
        faults, sent = Faults(site, clocks, month), 0
        for day in range(DAYS):
            sent = a_day(site, clocks, faults, day, sent + month.each[day])
            print(f"day {day + 1}: {sent:,} submitted", flush=True)
        compare(site, month, faults, key)
    finally:
        site.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
