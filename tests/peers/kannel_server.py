"""Kannel's drive_smpp as a server: see README.md for its environment and what it prints.

It takes a transmitter and a receiver, answers each submit_sm with an empty id, sends no receipts, and pumps COUNT inbound messages, "1"
to "COUNT", into the receiver. Of a submit_sm it says the text, and not to whom it goes: `to` is empty.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import threading

PROGRAM = "/usr/lib/kannel/test/drive_smpp"
PR_SET_PDEATHSIG = 1
SMSBOX_PORT = 13001  # drive_smpp plays a box of bearerbox's as well, there, and ends when nobody listens
SUBMIT = re.compile(r"submit_sm: short_message = <(.*)>")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def be_bearerbox(listener):
    """Takes the box's connection, and says nothing for as long as it lasts."""
    connection, _ = listener.accept()
    while connection.recv(4096):
        pass


def main():
    # Where somebody listens already, the box goes there.
    with contextlib.suppress(OSError):
        listener = socket.create_server(("127.0.0.1", SMSBOX_PORT))
        threading.Thread(target=be_bearerbox, args=(listener,), daemon=True).start()
    port = int(os.environ["PORT"]) or free_port()
    command = [PROGRAM, "-v", "0", "-p", str(port), "-m", os.environ["COUNT"]]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=die_with_parent) as program:
        print("LISTENING", port, flush=True)
        for line in program.stderr:
            found = SUBMIT.search(line)
            if found:
                print(json.dumps({"event": "submit", "to": "", "id": "", "text": found.group(1)}), flush=True)


main()
