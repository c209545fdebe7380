"""An SMSC for tests: starts the program ``smpp-sim`` on free ports, waits until it is ready, and asks it what it saw."""

from __future__ import annotations

import collections
import json
import os
import queue
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Mapping, Optional, Type, Union

__all__ = ["SmppSim", "SmppSimError", "program"]

#: How long the program may take until it is ready, in seconds: it needs a few milliseconds, a loaded machine more.
READY_WITHIN = 10.0

#: How long it may take to end, in seconds, before it is killed: it unbinds its clients first.
ENDS_WITHIN = 10.0

#: How long its clients may take to answer its unbind, in seconds: those that live take milliseconds, and those that a test left
#: behind never answer.
UNBINDS_WITHIN = 0.5

#: How many of its last lines an error repeats.
LINES_KEPT = 20

#: What an answer may take beyond the time that it was asked to wait, in seconds.
SLACK = 10.0

Json = Dict[str, Any]


class SmppSimError(RuntimeError):
    """The simulator is not there, has not begun, or refuses what it was asked."""


def program() -> str:
    """The program: what the environment variable ``SMPP_SIM`` names, else ``smpp-sim`` from the path."""
    named = os.environ.get("SMPP_SIM")
    found = shutil.which(named or "smpp-sim")
    if found:
        return found
    if named:
        raise SmppSimError(f"SMPP_SIM={named!r} is no program; allowed is the path of smpp-sim")
    raise SmppSimError("smpp-sim is not in the path; install it, or set SMPP_SIM to where it is")


class SmppSim:
    """A simulator that runs, on free ports of 127.0.0.1. Ended by :meth:`stop`, or at the end of a ``with``."""

    #: Where it takes binds.
    host: str
    port: int
    #: Its page, and the root of its HTTP interface: ``http://127.0.0.1:…``.
    url: str
    #: Its line when it was ready: ports, scenario, seed, version, every SMSC.
    ready: Json

    def __init__(
        self,
        scenario: str = "healthy",
        *,
        seed: Optional[int] = None,
        time_scale: Optional[float] = None,
        arguments: "List[str] | tuple[str, ...]" = (),
    ) -> None:
        """Starts it. ``scenario`` is the name of one that is built in, or the path of a TOML file."""
        command = [program(), "--quiet", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--scenario", str(scenario)]
        command += [] if seed is None else ["--seed", str(seed)]
        command += [] if time_scale is None else ["--time-scale", str(time_scale)]
        command += arguments
        self._errors: "collections.deque[str]" = collections.deque(maxlen=LINES_KEPT)
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        lines: "queue.Queue[str]" = queue.Queue(maxsize=1)
        self._readers = [
            threading.Thread(target=self._read_first_line, args=(lines,), daemon=True),
            threading.Thread(target=self._keep_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.ready = self._wait_until_ready(lines)
        except BaseException:
            self.stop()
            raise
        host, port = self.ready["smpp"].rsplit(":", 1)
        self.host, self.port = host, int(port)
        self.url = f"http://{self.ready['http']}"

    def _read_first_line(self, lines: "queue.Queue[str]") -> None:
        assert self._process.stdout is not None
        lines.put(self._process.stdout.readline())

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line.rstrip())

    def _wait_until_ready(self, lines: "queue.Queue[str]") -> Json:
        try:
            line = lines.get(timeout=READY_WITHIN)
        except queue.Empty:
            raise SmppSimError(f"smpp-sim was not ready within {READY_WITHIN} s") from None
        if line:
            ready: Json = json.loads(line)
            return ready
        code = self._process.wait(ENDS_WITHIN)
        self._readers[1].join(ENDS_WITHIN)
        raise SmppSimError("\n".join([f"smpp-sim ended with exit code {code}:", *self._errors]))

    def __enter__(self) -> "SmppSim":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it: its sessions are unbound, its ports closed. A second call does nothing.

        A client that has not answered the unbind within half a second is not waited for.
        """
        # The second signal ends the wait for answers.
        for within in (UNBINDS_WITHIN, ENDS_WITHIN):
            self._process.terminate()
            try:
                self._process.wait(within)
                break
            except subprocess.TimeoutExpired:
                pass
        else:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(ENDS_WITHIN)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def wait(self, timeout: float = 10.0, **counters: int) -> Json:
        """Waits until every counter has reached its number, as in ``wait(receipts_acked=1)``; the totals then.

        The counters are those of ``GET /ledger/totals``. Raises :class:`SmppSimError` with the totals when the time is up.
        """
        if not counters:
            raise ValueError("wait: name at least one counter, as in wait(receipts_acked=1)")
        question = {**counters, "timeout": f"{int(timeout * 1000)}ms"}
        totals: Json = self.ask("/wait", question, within=timeout + SLACK)
        return totals

    def totals(self) -> Json:
        """Every counter of the ledger."""
        totals: Json = self.ask("/ledger/totals")
        return totals

    def messages(self, **wanted: Union[str, int]) -> List[Json]:
        """Messages with their segments together, oldest first; ``wanted`` as in ``GET /messages``: ``recipient``, ``stat``, …"""
        messages: List[Json] = self.ask("/messages", wanted)["data"]
        return messages

    def inbound(self, source: str, destination: str, text: str, **more: str) -> None:
        """A person writes to a client that is bound; ``more`` as in ``POST /inbound``: ``account``, ``encoding``, …"""
        order = {"from": source, "to": destination, "text": text, **more}
        self.ask("/inbound", body=json.dumps(order).encode())

    def switch(self, scenario: str) -> None:
        """Another scenario from now on: the name of one that is built in. Ledger, sessions and ports stay."""
        self.ask("/scenario", {"name": scenario}, body=b"")

    def reset(self) -> None:
        """Empties the ledger and forgets recipients and what was still to be sent."""
        self.ask("/reset", body=b"")

    def ask(
        self,
        path: str,
        question: Optional[Mapping[str, Union[str, int]]] = None,
        *,
        body: Optional[bytes] = None,
        within: float = SLACK,
    ) -> Any:
        """Any request of its HTTP interface, a POST if there is a ``body``; what the answer's JSON says."""
        query = "?" + urllib.parse.urlencode(question) if question else ""
        request = urllib.request.Request(self.url + path + query, data=body)
        try:
            with _opener.open(request, timeout=within) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                raise SmppSimError(f"{path}{query}: {refused.code}: {refused.read().decode()}") from None


#: A proxy of the environment is not asked for what runs on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
