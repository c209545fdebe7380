"""Kannel (bearerbox and smsbox) as a client: see README.md for its environment and what it prints.

Messages go in through smsbox's HTTP interface; Kannel matches the receipts itself and reports each by an HTTP call, which
is counted here: type 8 when the SMSC accepted the message, 16 when it refused it, 1 when it was delivered. Inbound messages
come the same way. Kannel cuts long messages and puts long inbound ones together by itself.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

COUNT, LONG, WINDOW, FIRST, INBOUND = (int(os.environ[name]) for name in ("COUNT", "LONG", "WINDOW", "FIRST", "INBOUND"))
DEADLINE = time.monotonic() + float(os.environ["LIMIT"])
DELIVERED, ACCEPTED, REFUSED = 1, 8, 16
UCS2 = "2"  # how Kannel numbers codings

CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = "127.0.0.1"
admin-password = none
smsbox-port = {smsbox}
smsbox-interface = "127.0.0.1"
log-file = "{directory}/bearerbox.log"
log-level = 1
dlr-storage = internal
sms-combine-concatenated-mo = true
{trust}

group = smsc
smsc = smpp
smsc-id = peer
host = {host}
port = {port}
transceiver-mode = true
smsc-username = "{system_id}"
smsc-password = "{password}"
system-type = ""
address-range = ""
interface-version = 34
max-pending-submits = {window}
source-addr-autodetect = true
{tls}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = "127.0.0.1"
log-file = "{directory}/smsbox.log"
log-level = 1

group = sendsms-user
username = test
password = test
concatenation = true
max-messages = 10

group = sms-service
keyword = default
max-messages = 0
get-url = "http://127.0.0.1:{reports}/?inbound=%b&charset=%C&coding=%c"
"""


def free_ports(count):
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def poll(what, condition):
    while not condition():
        if time.monotonic() > DEADLINE:
            sys.exit(f"kannel: gave up waiting until {what}")
        time.sleep(0.05)


def answers(port, path, expected):
    """Whether the HTTP server on `port` answers `path` with a body that contains `expected`."""
    with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as http_client:
        http_client.request("GET", path)
        return expected in http_client.getresponse().read().decode(errors="replace")
    return False


class Reports(http.server.BaseHTTPRequestHandler):
    """Takes Kannel's reports: which message, and what happened to it."""

    seen = {ACCEPTED: set(), REFUSED: set(), DELIVERED: set()}
    total = 0
    inbound = []

    def do_GET(self):
        # Octets as they are: %b is not text before its charset says so.
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query, encoding="latin-1")
        if "inbound" in query:
            octets = query["inbound"][0].encode("latin-1")
            self.inbound.append(octets.decode("utf-16-be" if query["coding"][0] == UCS2 else "ascii"))
        else:
            kind, message = int(query["kind"][0]), int(query["message"][0])
            self.seen.setdefault(kind, set()).add(message)
            Reports.total += kind == DELIVERED
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def send_all(port, reports_port):
    """One sendsms call for each message."""
    for message in range(COUNT + LONG):
        content = {"text": "Votre rendez-vous est confirme."}
        if message >= COUNT:
            content = {"text": os.environ["LONG_TEXT"], "coding": UCS2, "charset": "UTF-8"}
        report = f"http://127.0.0.1:{reports_port}/?message={message}&kind=%d"
        query = {
            "username": "test", "password": "test", "from": "Clinique", "to": f"+{FIRST + message}",
            "dlr-mask": DELIVERED | ACCEPTED | REFUSED, "dlr-url": report, **content,
        }
        if not answers(port, "/cgi-bin/sendsms?" + urllib.parse.urlencode(query), "Accepted"):
            sys.exit(f"kannel: smsbox did not take message {message}")


def run(directory, boxes):
    admin, smsbox, sendsms = free_ports(3)
    reports = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Reports)
    threading.Thread(target=reports.serve_forever, daemon=True).start()
    configuration = os.path.join(directory, "kannel.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(
            admin=admin, smsbox=smsbox, sendsms=sendsms, reports=reports.server_address[1], directory=directory, window=WINDOW, host=os.environ["HOST"],
            port=os.environ["PORT"], system_id=os.environ["SYSTEM_ID"], password=os.environ["PASSWORD"],
            trust=f'ssl-trusted-ca-file = "{os.environ["TLS_CA"]}"' if "TLS_CA" in os.environ else "",
            tls="use-ssl = true" if "TLS_CA" in os.environ else "",
        ))
    start_box("bearerbox", configuration, boxes)
    poll("bearerbox is bound to the SMSC", lambda: answers(admin, "/status.txt", "(online"))
    start_box("smsbox", configuration, boxes)
    poll("bearerbox knows smsbox", lambda: answers(admin, "/status.txt", "smsbox:"))
    poll("smsbox listens", lambda: answers(sendsms, "/", ""))
    send_all(sendsms, reports.server_address[1])
    seen = Reports.seen
    with contextlib.suppress(SystemExit):
        poll("all is reported", lambda: len(seen[ACCEPTED] | seen[REFUSED]) == COUNT + LONG and seen[DELIVERED] >= seen[ACCEPTED])
        poll("all inbound messages are here", lambda: len(Reports.inbound) >= INBOUND)
    matched = len(seen[ACCEPTED] & seen[DELIVERED])
    result = {
        "accepted": len(seen[ACCEPTED]), "refused": len(seen[REFUSED]), "receipts": Reports.total, "matched": matched,
        "inbound": sorted(Reports.inbound),
    }
    print("RESULT", json.dumps(result), flush=True)
    return matched == COUNT + LONG


def start_box(program, configuration, boxes):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    boxes.append(subprocess.Popen([path, configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def main():
    boxes = []
    with tempfile.TemporaryDirectory(prefix="kannel-") as directory:
        try:
            succeeded = run(directory, boxes)
        finally:
            # smsbox first: bearerbox waits for it. Nothing is kept, so nothing has to end in good order.
            for box in reversed(boxes):
                box.kill()
                box.wait()
    sys.exit(0 if succeeded else 1)


main()
