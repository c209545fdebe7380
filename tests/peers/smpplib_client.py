"""python-smpplib as a client: see README.md for its environment and what it prints.

The library reads one PDU at a time and has no window of its own: it is kept here, in `unanswered`. It cuts long messages itself,
with a user data header.
"""

import contextlib
import json
import logging
import os
import re
import select
import ssl
import sys
import time

import segments
import smpplib.client
import smpplib.exceptions
import smpplib.gsm

COUNT, LONG, WINDOW, FIRST, INBOUND = (int(os.environ[name]) for name in ("COUNT", "LONG", "WINDOW", "FIRST", "INBOUND"))
DEADLINE = time.monotonic() + float(os.environ["LIMIT"])
ESM_CLASS_RECEIPT = 0x04
RECEIPT_ID = re.compile(rb"id:(\S+)")

logging.disable(logging.WARNING)


class Tally:
    """What was answered, and which receipts belong to it, in whatever order the two come."""

    def __init__(self, expected):
        self.expected, self.joiner = expected, segments.Joiner()
        self.refused = self.receipts = 0
        self.accepted_ids, self.receipt_ids, self.inbound = set(), set(), []

    def answered(self, pdu):
        if pdu.status == 0:
            self.accepted_ids.add(bytes(pdu.message_id))
        else:
            self.refused += 1

    def delivered(self, pdu):
        if pdu.esm_class & ESM_CLASS_RECEIPT:
            self.receipt(pdu)
        else:
            text = self.joiner.take(pdu.source_addr, pdu.esm_class, pdu.data_coding, bytes(pdu.short_message or b""))
            self.inbound += [] if text is None else [text]

    def receipt(self, pdu):
        self.receipts += 1
        found = RECEIPT_ID.search(bytes(pdu.short_message or b""))
        self.receipt_ids.add(found.group(1) if found else bytes(pdu.receipted_message_id or b""))

    @property
    def matched(self):
        return len(self.accepted_ids & self.receipt_ids)

    @property
    def complete(self):
        answered = len(self.accepted_ids) + self.refused == self.expected
        return answered and self.matched == len(self.accepted_ids) and len(self.inbound) == INBOUND


def to_send():
    """Each submit: the recipient, and what goes there."""
    for message in range(COUNT):
        yield str(FIRST + message), {"short_message": b"Votre rendez-vous est confirme."}
    for message in range(COUNT, COUNT + LONG):
        parts, data_coding, esm_class = smpplib.gsm.make_parts(os.environ["LONG_TEXT"])
        for part in parts:
            yield str(FIRST + message), {"short_message": part, "data_coding": data_coding, "esm_class": esm_class}


def tls():
    """What the library wraps its socket with: it names no host, so the authority alone is checked."""
    if "TLS_CA" not in os.environ:
        return None
    context = ssl.create_default_context(cafile=os.environ["TLS_CA"])
    context.check_hostname = False
    return context


def main():
    waiting, unanswered = list(to_send())[::-1], set()
    tally = Tally(len(waiting))
    client = smpplib.client.Client(
        os.environ["HOST"], int(os.environ["PORT"]), allow_unknown_opt_params=True, timeout=10, ssl_context=tls()
    )

    def answered(pdu):
        unanswered.discard(pdu.sequence)
        tally.answered(pdu)

    client.set_message_sent_handler(answered)
    client.set_error_pdu_handler(answered)
    client.set_message_received_handler(lambda pdu: tally.delivered(pdu) or 0)
    client.connect()
    client.bind_transceiver(system_id=os.environ["SYSTEM_ID"], password=os.environ["PASSWORD"])
    while not tally.complete and time.monotonic() < DEADLINE:
        while waiting and len(unanswered) < WINDOW:
            recipient, message = waiting.pop()
            pdu = client.send_message(
                source_addr="Clinique", source_addr_ton=5, source_addr_npi=0,
                destination_addr=recipient, dest_addr_ton=1, dest_addr_npi=1, registered_delivery=True, **message,
            )
            unanswered.add(pdu.sequence)
        # What TLS has decrypted already, no socket shows.
        decrypted = isinstance(client._socket, ssl.SSLSocket) and client._socket.pending()
        if decrypted or select.select([client._socket], [], [], 0.1)[0]:
            client.read_once()
    result = {
        "accepted": len(tally.accepted_ids), "refused": tally.refused, "receipts": tally.receipts, "matched": tally.matched,
        "inbound": sorted(tally.inbound),
    }
    print("RESULT", json.dumps(result), flush=True)
    # Some servers close instead of answering unbind, which this library takes for an error.
    with contextlib.suppress(smpplib.exceptions.ConnectionError):
        client.unbind()
        client.disconnect()
    sys.exit(0 if tally.complete and tally.refused == 0 else 1)


main()
