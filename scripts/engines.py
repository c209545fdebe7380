#!/usr/bin/env python3
"""Several engines on one rate: what the simulator counts, second by second, while 1, 2 and 4 engines feed one account, and while two
are ended and started again in turn; what a message costs of the processors; the same on a Redis Cluster of three masters; and how soon the
rate is there again after a fault.

    scripts/engines.py FOLDER [SECONDS]

FOLDER has the programs `campanile` and `smpp-sim`. Everything runs on loopback, in a folder of its own, on a redis-server of its own.
"""

import json
import os
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
# Engines, rate, masters of Redis.
RUNS = [(1, 500, 1), (2, 500, 1), (4, 500, 1), (1, 5_000, 1), (2, 5_000, 1), (4, 5_000, 1), (1, 5_000, 3), (2, 5_000, 3)]
SECONDS_MAX = 120


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """A Redis or a cluster of them, a simulator, and engines of one configuration."""

    def __init__(self, folder, engines, rate, sessions=None, masters=1):
        self.folder, self.engines, self.running, self.of_engines = folder, [], [], []
        self.redis, self.redis_commands = [], []
        smpp, self.sim_http = free_port(), free_port()
        redis = self.serve_redis(masters)
        sessions = sessions or engines
        simulator = ["--listen", f"127.0.0.1:{smpp}", "--http", f"127.0.0.1:{self.sim_http}"]
        self.start("smpp-sim", [PROGRAMS / "smpp-sim", *simulator])
        (folder / "operator.key").write_text(OPERATOR)
        for number in range(engines):
            api, admin = free_port(), free_port()
            file = folder / f"campanile-{number}.toml"
            file.write_text(configuration((api, admin), redis, (smpp, sessions, rate)))
            self.engines.append((api, admin))
            self.of_engines.append(self.serve(number))
        shared = sorted([1] * sessions + [0] * (engines - sessions))
        until("the sessions are shared", lambda: sorted(self.sessions()) == shared)

    def serve_redis(self, masters):
        """Starts the servers; the table of the configuration that leads to them."""
        ports = [free_port() for _ in range(masters)]
        for port in ports:
            home = self.folder / f"redis-{port}"
            home.mkdir()
            server = ["--port", str(port), "--appendonly", "yes", "--save", "", "--dir", str(home), "--hash-max-listpack-entries", "64"]
            if masters > 1:
                server += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            self.redis_commands.append((port, ["redis-server", *server]))
            self.redis.append(self.serve_one_redis(len(self.redis)))
        if masters == 1:
            return f'url = "redis://127.0.0.1:{ports[0]}"'
        named = [f"127.0.0.1:{port}" for port in ports]
        cluster = ["redis-cli", "--cluster", "create", *named, "--cluster-yes"]
        subprocess.run(cluster, cwd=self.folder, stdout=subprocess.DEVNULL, check=True, timeout=SECONDS_MAX)
        return f'url = "redis-cluster://{",".join(named)}"\npartitions = 64'

    def serve_one_redis(self, number):
        port, command = self.redis_commands[number]
        process = self.start(f"redis-{port}", command)
        until("Redis answers", lambda: opens(port))
        return process

    def kill(self, process):
        process.kill()
        process.wait(60)
        self.running.remove(process)

    def start(self, name, command):
        out = open(self.folder / f"{name}.log", "w", encoding="utf-8")
        self.running.append(subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out))
        return self.running[-1]

    def serve(self, number):
        """Starts the engine of that number, and waits for it."""
        process = self.start(f"campanile-{number}", [PROGRAMS / "campanile", "serve", "--config", f"campanile-{number}.toml"])
        until("an engine answers", lambda: is_up(self.engines[number][1]))
        return process

    def roll(self):
        """Each engine ends in order and is started again, one after the other, the first one last."""
        for number in reversed(range(len(self.engines))):
            process = self.of_engines[number]
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            self.running.remove(process)
            time.sleep(1)
            self.of_engines[number] = self.serve(number)
            until("each has a session again", lambda: sorted(self.sessions()) == [1] * len(self.engines))

    def cpu(self):
        """Seconds of the processors: of all engines, and of Redis."""
        return sum(cpu(process.pid) for process in self.of_engines), sum(self.cpu_of_redis())

    def cpu_of_redis(self):
        """Seconds of the processors, of each server."""
        return [cpu(process.pid) for process in self.redis]

    def end(self):
        for program in reversed(self.running):
            program.send_signal(signal.SIGTERM)
            program.wait(60)

    def sessions(self):
        data = json.loads(fetch(f"http://127.0.0.1:{self.engines[0][1]}/v1/engines"))["data"]
        return [sum(of["sessions"] for of in engine["sessions"]) for engine in data]

    def ask(self, method, path, body=None, key=OPERATOR, of=0):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.engines[of][0]}{path}", method=method, data=data)
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return json.loads(answer.read())

    def rows(self):
        return [json.loads(line) for line in fetch(f"http://127.0.0.1:{self.sim_http}/ledger?limit=1000000").splitlines()]

    def sent(self):
        return sorted(row["received_at_us"] for row in self.rows())


def configuration(listens, redis, account):
    (api, admin), (smpp, sessions, rate) = listens, account
    return f"""[api]
listen = "127.0.0.1:{api}"
operator_key_file = "operator.key"
recipients_max = 1000000
[admin]
listen = "127.0.0.1:{admin}"
[redis]
{redis}
[rules]
packs = []
[[smsc]]
name = "north"
address = "127.0.0.1:{smpp}"
system_id = "campanile"
password = "secret"
sessions = {sessions}
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


def launch(site, count):
    """A campaign to so many; what asks how many of it still wait."""
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
    return lambda: site.ask("GET", f"/v1/campaigns/{campaign}", key=key)["progress"]["queued"]


def measure(site, engines, rate):
    count, before, each_before = rate * SECONDS, site.cpu(), site.cpu_of_redis()
    queued = launch(site, count)
    until("all is sent", lambda: queued() == 0, 0.5)
    of_engines, of_redis = ((after - then) / count * 1e6 for after, then in zip(site.cpu(), before))
    each = [after - then for after, then in zip(site.cpu_of_redis(), each_before)]
    servers = "" if len(each) == 1 else f" ({len(each)} masters, the busiest {max(each) / sum(each) * len(each):.2f} of the mean)"
    times = site.sent()
    # Without the first second, in which sessions begin.
    behind = [at for at in times if at > times[0] + 1_000_000]
    mean = (len(behind) - 1) / (behind[-1] - behind[0]) * 1e6
    bound = rate + max(1, rate // 100)
    print(
        f"{engines} engines at {rate}/s: mean {mean / rate:.4f} of the rate, at most {most_in_a_second(times)} in a second ({bound} are allowed), "
        f"{len(times)} sent, {of_engines:.1f} µs of the engines' processors a message with all that goes on beside, {of_redis:.1f} of Redis's{servers}",
        flush=True,
    )


def roll(site, rate):
    queued = launch(site, rate * 2 * SECONDS)
    until("it has begun", lambda: len(site.sent()) > rate)
    begun = site.sent()[-1]
    site.roll()
    ended = site.sent()[-1]
    until("all is sent", lambda: queued() == 0, 0.5)
    times = site.sent()
    seconds = range(begun, ended - 1_000_000, 1_000_000)
    counts = [sum(at <= time_us < at + 1_000_000 for time_us in times) for at in seconds]
    print(
        f"2 engines at {rate}/s, each ended and started again in turn: at least {min(counts) / rate:.2f} of the rate in a second, "
        f"mean {sum(counts) / len(counts) / rate:.3f} over {len(counts)} s; {len(times)} sent",
        flush=True,
    )


def engine_killed(site):
    """The other one goes on, with a session of its own."""
    site.kill(site.of_engines[1])
    return time.time_ns() // 1_000


def engine_stopped(site):
    """It stands still until the other one has what it had, and wakes up."""
    site.of_engines[1].send_signal(signal.SIGSTOP)
    time.sleep(20)
    site.of_engines[1].send_signal(signal.SIGCONT)
    return time.time_ns() // 1_000


def redis_killed(site):
    site.kill(site.redis[0])
    time.sleep(2)
    site.redis[0] = site.serve_one_redis(0)
    return time.time_ns() // 1_000


FAULTS = [
    ("one of two engines is killed", engine_killed),
    ("one of two engines stands still for 20 s", engine_stopped),
    ("Redis is killed, and started again after 2 s", redis_killed),
]


def recover(site, rate, what, fault):
    """How long after the fault's end the first three seconds begin that have 0.95 of the rate in their mean."""
    queued = launch(site, rate * 3 * SECONDS)
    until("it has begun", lambda: len(site.sent()) > 3 * rate)
    over = fault(site)
    until("all is sent", lambda: queued() == 0, 0.5)
    times = [at for at in site.sent() if at >= over]
    begins = (at for first, at in enumerate(times) if first + int(2.85 * rate) < len(times) and times[first + int(2.85 * rate)] <= at + 3_000_000)
    begun = next(begins, None)
    found = "never" if begun is None else f"{max(0, begun - over) / 1e6:.1f} s later"
    print(f"2 engines at {rate}/s, {what}: 0.95 of the rate, over three seconds, {found}", flush=True)


def hand_on(site, messages):
    """Messages that are queued through the engine that has no session, until the simulator reads them."""
    without = site.sessions().index(0)
    tenant = site.ask("POST", "/v1/tenants", {"name": "Engines"})
    key = tenant["api_key"]
    site.ask("POST", f"/v1/tenants/{tenant['id']}/credits", {"amount": messages})
    asked = {}
    for at in range(messages):
        to = f"+336{at:08}"
        asked[to.lstrip("+")] = time.time_ns() // 1_000
        site.ask("POST", "/v1/messages", {"to": to, "sender": "OSTEO", "text": "RDV confirmé"}, key, without)
    until("all is sent", lambda: len(site.rows()) == messages)
    took = sorted(row["received_at_us"] - asked[row["recipient"].lstrip("+")] for row in site.rows())
    print(
        f"{messages} messages, one after the other, through the engine that has no session: from the request to the simulator "
        f"{took[len(took) // 2] / 1e3:.1f} ms in the middle, {took[-1] / 1e3:.1f} ms at most",
        flush=True,
    )


def main():
    for program in ("campanile", "smpp-sim"):
        if not (PROGRAMS / program).is_file():
            sys.exit(f"{PROGRAMS} has no {program}: make engines builds it")
    for engines, rate, masters in RUNS:
        with tempfile.TemporaryDirectory(prefix="campanile-engines-") as folder:
            site = Site(Path(folder), engines, rate, masters=masters)
            try:
                measure(site, engines, rate)
            finally:
                site.end()
    with tempfile.TemporaryDirectory(prefix="campanile-engines-") as folder:
        site = Site(Path(folder), 2, 500)
        try:
            roll(site, 500)
        finally:
            site.end()
    for what, fault in FAULTS:
        with tempfile.TemporaryDirectory(prefix="campanile-engines-") as folder:
            site = Site(Path(folder), 2, 500, sessions=2)
            try:
                recover(site, 500, what, fault)
            finally:
                site.end()
    with tempfile.TemporaryDirectory(prefix="campanile-engines-") as folder:
        site = Site(Path(folder), 2, 5_000, sessions=1)
        try:
            hand_on(site, 200)
        finally:
            site.end()


if __name__ == "__main__":
    main()
