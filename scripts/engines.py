#!/usr/bin/env python3
"""Several engines on one rate: what the simulator counts, second by second, while 1, 2 and 4 engines feed one account.

    scripts/engines.py FOLDER [SECONDS]

FOLDER has the programs `campanile` and `smpp-sim`. Everything runs on loopback, in a folder of its own, on a redis-server of its own.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PROGRAMS = Path(sys.argv[1] if len(sys.argv) > 1 else "target/release").resolve()
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 15
OPERATOR = "op_" + "engines" * 5
RUNS = [(1, 500), (2, 500), (4, 500), (1, 5_000), (2, 5_000), (4, 5_000)]
SECONDS_MAX = 120


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """A Redis, a simulator, and engines of one configuration."""

    def __init__(self, folder, engines, rate):
        self.folder, self.engines, self.running = folder, [], []
        redis, smpp, self.sim_http = (free_port() for _ in range(3))
        server = ["--port", str(redis), "--appendonly", "yes", "--save", "", "--dir", str(folder), "--hash-max-listpack-entries", "64"]
        self.start("redis-server", ["redis-server", *server])
        until("Redis answers", lambda: opens(redis))
        simulator = ["--listen", f"127.0.0.1:{smpp}", "--http", f"127.0.0.1:{self.sim_http}"]
        self.start("smpp-sim", [PROGRAMS / "smpp-sim", *simulator])
        (folder / "operator.key").write_text(OPERATOR)
        for number in range(engines):
            api, admin = free_port(), free_port()
            file = folder / f"campanile-{number}.toml"
            file.write_text(configuration((api, admin), redis, (smpp, engines, rate)))
            self.start(f"campanile-{number}", [PROGRAMS / "campanile", "serve", "--config", file.name])
            until("an engine answers", lambda admin=admin: is_up(admin))
            self.engines.append((api, admin))
        until("each has a session", lambda: sorted(self.sessions()) == [1] * engines)

    def start(self, name, command):
        out = open(self.folder / f"{name}.log", "w", encoding="utf-8")
        self.running.append(subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out))

    def end(self):
        for program in reversed(self.running):
            program.send_signal(signal.SIGTERM)
            program.wait(60)

    def sessions(self):
        data = json.loads(fetch(f"http://127.0.0.1:{self.engines[0][1]}/v1/engines"))["data"]
        return [sum(of["sessions"] for of in engine["sessions"]) for engine in data]

    def ask(self, method, path, body=None, key=OPERATOR):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.engines[0][0]}{path}", method=method, data=data)
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return json.loads(answer.read())

    def sent(self):
        lines = fetch(f"http://127.0.0.1:{self.sim_http}/ledger?limit=1000000").splitlines()
        return sorted(json.loads(line)["received_at_us"] for line in lines)


def configuration(listens, redis, account):
    (api, admin), (smpp, engines, rate) = listens, account
    return f"""[api]
listen = "127.0.0.1:{api}"
operator_key_file = "operator.key"
recipients_max = 1000000
[admin]
listen = "127.0.0.1:{admin}"
[redis]
url = "redis://127.0.0.1:{redis}"
[rules]
packs = []
[[smsc]]
name = "north"
address = "127.0.0.1:{smpp}"
system_id = "campanile"
password = "secret"
sessions = {engines}
window = 500
rate = "{rate}/s"
"""


def fetch(url):
    with urllib.request.urlopen(url, timeout=SECONDS_MAX) as answer:
        return answer.read().decode()


def opens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def is_up(admin):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=2).status == 200
    except OSError:
        return False


def until(what, condition, pause=0.05):
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > SECONDS_MAX:
            sys.exit(f"{what}: not within {SECONDS_MAX} s")
        time.sleep(pause)


def most_in_a_second(times):
    most, first = 0, 0
    for at, time_us in enumerate(times):
        while times[first] <= time_us - 1_000_000:
            first += 1
        most = max(most, at - first + 1)
    return most


def measure(site, engines, rate):
    count = rate * SECONDS
    tenant = site.ask("POST", "/v1/tenants", {"name": "Engines"})
    key = tenant["api_key"]
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": count})
    order = {
        "name": "Engines",
        "sender": "OSTEO",
        "purpose": "transactional",
        "text": "Votre rendez-vous est confirmé.",
        "audience": {"recipients": [{"to": f"+336{at:08}"} for at in range(count)]},
    }
    campaign = site.ask("POST", "/v1/campaigns", order, key)["id"]
    site.ask("POST", f"/v1/campaigns/{campaign}/launch", key=key)
    until("all is sent", lambda: site.ask("GET", f"/v1/campaigns/{campaign}", key=key)["progress"]["queued"] == 0, 0.5)
    times = site.sent()
    # Without the first second, in which sessions begin.
    behind = [at for at in times if at > times[0] + 1_000_000]
    mean = (len(behind) - 1) / (behind[-1] - behind[0]) * 1e6
    bound = rate + max(1, rate // 100)
    print(f"{engines} engines at {rate}/s: mean {mean / rate:.4f} of the rate, at most {most_in_a_second(times)} in a second ({bound} are allowed), {len(times)} sent")


def main():
    for engines, rate in RUNS:
        with tempfile.TemporaryDirectory(prefix="campanile-engines-") as folder:
            site = Site(Path(folder), engines, rate)
            try:
                measure(site, engines, rate)
            finally:
                site.end()


if __name__ == "__main__":
    main()
