"""An engine with a simulator, for the scripts that measure: on loopback, in a folder of its own, with the embedded Redis and SQLite."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

OPERATOR = "op_" + "measured" * 5
SECONDS_MAX = 900


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """The programs, and what they are asked. `scenario` is the simulator's, in TOML, `smsc` more of the engine's SMSC; `environment` is beside this program's own."""

    def __init__(self, folder, programs, scenario=None, environment=None, smsc=""):
        self.environment = {**os.environ, **(environment or {})}
        self.folder, self.binaries = folder, Path(programs).resolve()
        self.api, self.admin, smpp, self.sim_http = (free_port() for _ in range(4))
        (folder / "operator.key").write_text(OPERATOR)
        (folder / "campanile.toml").write_text(
            f"""[api]
listen = "127.0.0.1:{self.api}"
operator_key_file = "operator.key"
recipients_max = 1000000
[admin]
listen = "127.0.0.1:{self.admin}"
[rules]
packs = []
[[smsc]]
name = "north"
address = "127.0.0.1:{smpp}"
system_id = "campanile"
password = "secret"
window = 500
{smsc}"""
        )
        simulator = ["--listen", f"127.0.0.1:{smpp}", "--http", f"127.0.0.1:{self.sim_http}"]
        if scenario:
            (folder / "scenario.toml").write_text(scenario)
            simulator += ["--scenario", "scenario.toml"]
        self.programs = [self.start("smpp-sim", simulator)]
        self.start_engine()

    def start(self, program, arguments):
        out = open(self.folder / f"{program}.log", "a", encoding="utf-8")
        return subprocess.Popen(
            [self.binaries / program, *arguments], cwd=self.folder, stdout=out, stderr=out, env=self.environment
        )

    def start_engine(self):
        self.programs[1:] = [self.start("campanile", ["serve", "--config", "campanile.toml"])]
        until("the engine answers", self.is_up)

    def kill_engine(self):
        """As a machine that fails would: without a word."""
        self.programs[1].kill()
        self.programs[1].wait()

    def end(self):
        for program in reversed(self.programs):
            program.send_signal(signal.SIGTERM)
            program.wait(60)

    def is_up(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, key=OPERATOR, media="application/json"):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", method=method, data=data)
        request.add_header("Authorization", f"Bearer {key}")
        request.add_header("Content-Type", media)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            sys.exit(f"{method} {path}: {refused.read().decode()}")


def until(what, condition, pause=0.05):
    """What was found, and after how long."""
    begun = time.monotonic()
    while not (found := condition()):
        if time.monotonic() - begun > SECONDS_MAX:
            sys.exit(f"{what}: not within {SECONDS_MAX} s")
        time.sleep(pause)
    return found, time.monotonic() - begun
