"""Tries engine/clients/python: `engine` (at CAMPANILE_API, with CAMPANILE_KEY), `refusals` (a server of its own that refuses),
`verify` (a JSON line each on standard input, {"secret", "headers", "body"}; says `ok` or `refused` for each)."""

import json
import os
import sys
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from campanile import Campanile, NotOurs, Problem, Unreachable, verify


def of_environment() -> Campanile:
    return Campanile(os.environ["CAMPANILE_API"], os.environ["CAMPANILE_KEY"], language="fr")


def engine() -> None:
    api = of_environment()
    assert api.tenant()["credits"]["available"] > 0
    people = [{"reference": f"P-{n}", "number": f"+3361200000{n}", "last_name": f"Nom {n}", "practices": ["Lyon"]} for n in range(5)]
    assert len(api.contacts.upsert(people)["data"]) == 5
    # Page after page, each of two.
    assert len(list(api.pages("/v1/contacts", {"limit": 2}))) == 5
    lyon = {"field": "practice", "is": "lyon"}
    assert api.contacts.count(lyon) == 5
    found = list(api.contacts.search(lyon))
    assert {one["reference"] for one in found} == {one["reference"] for one in people}
    marathon = api.lists.create("Marathon")
    api.lists.change(marathon["id"], add=[found[0]["id"], found[1]["id"]])
    assert [one["contacts"] for one in api.lists.list()] == [2]
    order = {
        "name": "Rappel", "text": "Bonjour [Nom]", "sender": "OSTEO", "purpose": "transactional",
        "audience": {"lists": [marathon["id"]]},
    }
    campaign = api.campaigns.create(order, idempotency_key="rappel-1")
    assert api.campaigns.create(order, idempotency_key="rappel-1")["id"] == campaign["id"]
    assert api.campaigns.estimate(campaign["id"])["max"]["recipients"] == 2
    edited = api.campaigns.edit(campaign["id"], {"name": "Rappel 2", "validity": 3600})
    assert (edited["name"], edited["validity"], edited["text"]) == ("Rappel 2", 3600, "Bonjour [Nom]")
    assert api.campaigns.edit(campaign["id"], {"validity": None})["validity"] is None
    in_a_month = (datetime.now(timezone.utc) + timedelta(days=30)).isoformat()
    api.campaigns.schedule(campaign["id"], in_a_month)
    assert api.campaigns.schedule(campaign["id"], None)["state"] == "draft"
    api.campaigns.cancel(campaign["id"])
    assert campaign["id"] in [one["id"] for one in api.campaigns.list()]
    sent = api.messages.send({"to": "0612345678", "text": "RDV demain", "sender": "OSTEO"}, idempotency_key="rdv-1")
    assert api.messages.send({"to": "0612345678", "text": "RDV demain", "sender": "OSTEO"}, idempotency_key="rdv-1") == sent
    assert api.messages.get(sent["id"])["to"] == "+33612345678"
    webhook = api.webhooks.create("https://example.org/", ["message.*"])
    assert webhook["secret"].startswith("whsec_") and list(api.webhooks.deliveries(webhook["id"])) == []
    assert api.webhooks.rotate(webhook["id"])["secret"] != webhook["secret"]
    api.webhooks.delete(webhook["id"])
    api.lists.delete(marathon["id"])
    api.contacts.delete(found[0]["id"])
    assert (list(api.webhooks.list()), list(api.lists.list()), api.contacts.count({})) == ([], [], 4)
    try:
        api.messages.send({"to": "06", "text": "Bonjour", "sender": "OSTEO"})
        raise AssertionError("it was taken")
    except Problem as problem:
        assert (problem.status, problem.code) == (422, "invalid_fields")
        assert problem.errors[0]["pointer"] == "/to" and problem.request_id.startswith("req_")
        assert "Ce numéro n'existe pas" in str(problem), problem
    try:
        Campanile(os.environ["CAMPANILE_API"], "sk_live_nobodys").tenant()
        raise AssertionError("it was answered")
    except Problem as problem:
        assert (problem.status, problem.code) == (401, "unauthorized")


def refusals() -> None:
    script: list[tuple[int, dict[str, str], dict]] = []
    keys: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            status, headers, body = script.pop(0)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            text = json.dumps(body).encode()
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    waits: list[float] = []
    api = Campanile(f"http://127.0.0.1:{server.server_port}", "sk_live_x", sleep=waits.append)
    order = {"to": "+33612345678", "text": "Bonjour", "sender": "OSTEO"}
    busy = {"code": "too_many_requests", "detail": "Later."}
    script += [(429, {"Retry-After": "7"}, busy), (503, {}, {}), (0, {}, {}), (409, {"Retry-After": "2"}, {"code": "operation_running"})]
    script += [(202, {}, {"id": "msg_1"})]
    assert api.messages.send(order) == {"id": "msg_1"}
    assert waits == [7, 2, 4, 2], waits
    assert len(keys) == 5 and len(set(keys)) == 1 and keys[0], keys
    # What is asked for is longer than anybody waits, or nothing that another try would mend: it is said at once.
    for status, headers, code in [(429, {"Retry-After": "3600"}, "too_many_requests"), (402, {}, "insufficient_credit")]:
        waits.clear()
        script[:] = [(status, headers, {"code": code})]
        try:
            api.messages.send(order)
            raise AssertionError("it was taken")
        except Problem as problem:
            assert (problem.status, problem.code, waits) == (status, code, []), problem
    script[:] = [(0, {}, {})] * 5
    try:
        api.messages.send(order)
        raise AssertionError("it was answered")
    except Unreachable:
        assert waits == [1, 2, 4, 8], waits
    script[:] = [(503, {}, {})] * 5
    try:
        api.messages.send(order)
        raise AssertionError("it was answered")
    except Problem as problem:
        assert (problem.status, problem.code) == (503, "unknown")


def verified() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        try:
            verify(given["secret"], given["body"].encode(), given["headers"])
            print("ok")
        except NotOurs:
            print("refused")


{"engine": engine, "refusals": refusals, "verify": verified}[sys.argv[1]]()
