"""Campanile's API from Python, with nothing but the standard library (Python 3.10 or newer).

    from campanile import Campanile, Problem

    api = Campanile("https://sms.example", key)
    campaign = api.campaigns.create({"name": ..., "text": ..., "sender": ..., "purpose": ..., "audience": {...}})
    api.campaigns.launch(campaign["id"])

Bodies and answers are those of the API's document (/openapi.json), as dictionaries. What is refused raises a `Problem`. Every
POST has an idempotency key, so that it is done once however often it is sent; 429, 503 and lost connections are tried again
with the same one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from typing import Any, Literal, TypedDict, cast

Json = dict[str, Any]
Purpose = Literal["transactional", "marketing"]

#: Which answers are worth another try: too many requests, not ready.
AGAIN = (429, 503)

#: The first wait when no answer says how long, in seconds; it doubles each time.
FIRST_WAIT = 1.0

#: How many rows a page has.
PAGE = 500

#: What a secret of webhooks begins with.
SECRET_PREFIX = "whsec_"

#: How far the clocks of sender and receiver may be apart, in seconds.
TOLERANCE = 300


class FieldError(TypedDict):
    """What is wrong with one field: where it is (a JSON pointer), a stable code, and words."""

    pointer: str
    code: str
    detail: str


class Recipient(TypedDict):
    """What became of a recipient of a campaign."""

    to: str
    id: str
    status: str
    reason: str | None
    code: int | None
    at: str | None


class _CampaignOrder(TypedDict):
    name: str
    text: str
    sender: str
    purpose: Purpose
    audience: Json


class CampaignOrder(_CampaignOrder, total=False):
    """A campaign as it is ordered."""

    encoding: str
    validity: int


class _MessageOrder(TypedDict):
    to: str
    text: str
    sender: str


class MessageOrder(_MessageOrder, total=False):
    """A message to one number."""

    purpose: Purpose
    encoding: str
    validity: int


class Problem(Exception):
    """The engine says no, as RFC 9457 has it. `code` never changes; `detail` is for people."""

    def __init__(self, status: int, document: Json) -> None:
        self.status = status
        self.code: str = document.get("code", "unknown")
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.errors: list[FieldError] = document.get("errors", [])
        self.request_id: str | None = document.get("request_id")
        self.next_open_at: str | None = document.get("next_open_at")
        fields = "".join(f"\n  {error['pointer']}: {error['detail']}" for error in self.errors)
        super().__init__(f"{self.detail or self.title or status} ({self.code}){fields}")


class Unreachable(Exception):
    """No answer came, however often it was tried. A POST may have been done: sent again under its key it is done once."""


class NotOurs(Exception):
    """What came to a webhook is not signed with its secret, or is too old."""


class Campanile:
    """A tenant's way to the API.

    `attempts`: how often a request is sent at the most. `longest_wait`: longer waits than that are not waited for; the refusal
    is raised then. `language`: of the problems' words, "en" or "fr".
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        language: str = "en",
        timeout: float = 60.0,
        attempts: int = 5,
        longest_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._key = key
        self._language = language
        self._timeout = timeout
        self._attempts = max(1, attempts)
        self._longest_wait = longest_wait
        self._sleep = sleep
        self.campaigns = Campaigns(self)
        self.messages = Messages(self)
        self.contacts = Contacts(self)
        self.imports = Imports(self)
        self.lists = Lists(self)
        self.webhooks = Webhooks(self)

    def tenant(self) -> Json:
        """Who asks, with what was agreed on and its credits."""
        return self.get("/v1/tenant")

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        """`GET`, for what has no method of its own."""
        return self._json("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Json:
        """`POST`, done once; the key is made here when none is given."""
        return self._json("POST", path, body=_encoded(body), key=idempotency_key or str(uuid.uuid4()))

    def patch(self, path: str, body: Any) -> Json:
        """`PATCH`: what is given is otherwise from then on."""
        return self._json("PATCH", path, body=_encoded(body))

    def pages(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[Json]:
        """The rows of a list, page after page, as they are asked for."""
        cursor: str | None = None
        while True:
            page = self.get(path, {"limit": PAGE, **(query or {}), "cursor": cursor})
            yield from page["data"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _json(self, method: str, path: str, **given: Any) -> Json:
        answer = self.send(method, path, **given)
        return cast(Json, json.loads(answer)) if answer else {}

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        key: str | None = None,
    ) -> bytes:
        """Any request, tried again where that is worth it; its answer as it comes."""
        some = {name: value for name, value in (query or {}).items() if value is not None}
        url = self._base + path + ("?" + urllib.parse.urlencode(some) if some else "")
        headers = {"Authorization": f"Bearer {self._key}", "Accept-Language": self._language}
        if body is not None:
            headers["Content-Type"] = content_type
        if key is not None:
            headers["Idempotency-Key"] = key
        wait = FIRST_WAIT
        for left in reversed(range(self._attempts)):
            request = urllib.request.Request(url, data=body, headers=headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=self._timeout) as response:
                    return cast(bytes, response.read())
            except urllib.error.HTTPError as refusal:
                problem, asked = _problem(refusal), _seconds(refusal.headers.get("Retry-After"))
                # The same request is still being done: a connection was lost.
                running = problem.code == "operation_running"
                if left == 0 or not (refusal.code in AGAIN or running) or (asked or wait) > self._longest_wait:
                    raise problem from None
                self._sleep(wait if asked is None else asked)
            except (OSError, HTTPException) as fault:
                # What changes something without a key may have been done.
                if left == 0 or (method != "GET" and key is None):
                    raise Unreachable(f"{method} {url}: {fault}") from fault
                self._sleep(min(wait, self._longest_wait))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")


class _Part:
    def __init__(self, api: Campanile) -> None:
        self._api = api


class Campaigns(_Part):
    """Campaigns: made, estimated, launched, followed."""

    def create(self, order: CampaignOrder, *, idempotency_key: str | None = None) -> Json:
        """Make one; nothing is sent before its launch."""
        return self._api.post("/v1/campaigns", order, idempotency_key=idempotency_key)

    def list(self) -> Iterator[Json]:
        """All of them, newest first."""
        return self._api.pages("/v1/campaigns")

    def get(self, campaign: str) -> Json:
        """One with its progress."""
        return self._api.get(_path("campaigns", campaign))

    def edit(self, campaign: str, change: Json) -> Json:
        """Have a draft say something else; what is not given stays, `None` takes it away."""
        return self._api.patch(_path("campaigns", campaign), change)

    def estimate(self, campaign: str) -> Json:
        """What it will take and cost; nothing is held."""
        return self._api.post(_path("campaigns", campaign, "estimate"))

    def launch(self, campaign: str, *, idempotency_key: str | None = None) -> Json:
        """Launch it: the credits of its estimate are held, all of them or none."""
        return self._api.post(_path("campaigns", campaign, "launch"), idempotency_key=idempotency_key)

    def schedule(self, campaign: str, at: str | None, *, time_zone: str | None = None) -> Json:
        """Have it launch by itself at a date; `None`: it is a draft again."""
        zone = {} if time_zone is None else {"time_zone": time_zone}
        return self._api.post(_path("campaigns", campaign, "schedule"), {"scheduled_at": at, **zone})

    def pause(self, campaign: str) -> Json:
        """Nothing more of it is sent until it is resumed."""
        return self._api.post(_path("campaigns", campaign, "pause"))

    def resume(self, campaign: str) -> Json:
        """Go on with a paused one."""
        return self._api.post(_path("campaigns", campaign, "resume"))

    def cancel(self, campaign: str) -> Json:
        """End it for good: what is not sent is canceled."""
        return self._api.post(_path("campaigns", campaign, "cancel"))

    def delete(self, campaign: str) -> None:
        """Forget one that was not launched."""
        self._api.send("DELETE", _path("campaigns", campaign))

    def report(self, campaign: str) -> Json:
        """The seven statuses, with labels in the client's language; estimate and cost."""
        return self._api.get(_path("campaigns", campaign, "report"))

    def recipients(self, campaign: str) -> Iterator[Recipient]:
        """What became of each recipient."""
        return cast(Iterator[Recipient], self._api.pages(_path("campaigns", campaign, "recipients")))


class Messages(_Part):
    """Single messages, ahead of all campaigns."""

    def send(self, order: MessageOrder, *, idempotency_key: str | None = None) -> Json:
        """Send one. With a key of your own it goes once, whatever becomes of this process."""
        return self._api.post("/v1/messages", order, idempotency_key=idempotency_key)

    def get(self, message: str) -> Json:
        """How far it is."""
        return self._api.get(_path("messages", message))


class Contacts(_Part):
    """People."""

    def upsert(self, contacts: list[Json]) -> Json:
        """Put up to 1,000 people in place of what is known of them: all, or none."""
        return self._api.post("/v1/contacts", {"contacts": contacts})

    def list(self) -> Iterator[Json]:
        """Everybody."""
        return self._api.pages("/v1/contacts")

    def search(self, filter: Json) -> Iterator[Json]:
        """Those whom a filter means."""
        cursor: Json = {}
        while True:
            page = self._api.post("/v1/contacts/search", {"filter": filter, "limit": PAGE, **cursor})
            yield from page["data"]
            if page.get("next_cursor") is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def count(self, filter: Json) -> int:
        """How many a filter means."""
        return cast(int, self._api.post("/v1/contacts/search", {"filter": filter, "limit": 1})["total"])

    def get(self, contact: str) -> Json:
        """One of them."""
        return self._api.get(_path("contacts", contact))

    def delete(self, contact: str) -> None:
        """Forget one."""
        self._api.send("DELETE", _path("contacts", contact))


class Imports(_Part):
    """Files of contacts, CSV or XLSX."""

    def start(self, file: bytes, *, columns: str | None = None, list: str | None = None) -> Json:
        """Begin to take one in; `get` says how far it is. The same file again changes nothing, so it is tried again as it is."""
        return self._import(file, {"columns": columns, "list": list})

    def preview(self, file: bytes, *, columns: str | None = None) -> Json:
        """How a file is understood; nothing is changed."""
        return self._import(file, {"columns": columns, "dry_run": "true"})

    def get(self, id: str) -> Json:
        """How far an import is."""
        return self._api.get(_path("imports", id))

    def errors(self, id: str) -> str:
        """The rows that were not taken, as a CSV that can be mended and sent again."""
        return self._api.send("GET", _path("imports", id, "errors")).decode("utf-8-sig")

    def wait(self, id: str, *, pause: float = 0.5) -> Json:
        """An import when it has ended."""
        while (found := self.get(id))["state"] == "running":
            self._api._sleep(pause)
        return found

    def _import(self, file: bytes, query: Mapping[str, Any]) -> Json:
        return self._api._json("POST", "/v1/imports", query=query, body=file, content_type="text/csv")


class Lists(_Part):
    """People who are kept together."""

    def create(self, name: str) -> Json:
        """Make one."""
        return self._api.post("/v1/lists", {"name": name})

    def list(self) -> Iterator[Json]:
        """All of them."""
        return iter(self._api.get("/v1/lists")["data"])

    def change(self, id: str, *, add: list[str] | None = None, remove: list[str] | None = None) -> Json:
        """Put contacts on it, and take others off."""
        given = {"add": add, "remove": remove}
        return self._api.post(_path("lists", id, "members"), {name: ids for name, ids in given.items() if ids})

    def delete(self, id: str) -> None:
        """Forget the list; its people stay."""
        self._api.send("DELETE", _path("lists", id))


class Webhooks(_Part):
    """URLs that are told of what happens."""

    def create(self, url: str, events: list[str], *, description: str = "") -> Json:
        """Have a URL told; its `secret` is in this answer alone."""
        return self._api.post("/v1/webhooks", {"url": url, "events": events, "description": description})

    def list(self) -> Iterator[Json]:
        """All of them."""
        return iter(self._api.get("/v1/webhooks")["data"])

    def deliveries(self, webhook: str) -> Iterator[Json]:
        """What was told, with each attempt."""
        return self._api.pages(_path("webhooks", webhook, "deliveries"))

    def rotate(self, webhook: str) -> Json:
        """A new secret; both sign for a while."""
        return self._api.post(_path("webhooks", webhook, "rotate"))

    def delete(self, webhook: str) -> None:
        """Tell it no more."""
        self._api.send("DELETE", _path("webhooks", webhook))


def verify(
    secret: str, body: bytes, headers: Mapping[str, str], *, tolerance: float = TOLERANCE, now: float | None = None
) -> Json:
    """The event in what came to a webhook, if it is signed with its secret (Standard Webhooks); else raises `NotOurs`.

    `body`: its octets as they came. `headers`: in any case. An event may come twice, under the same `webhook-id`.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id, at, signatures = (given["webhook-" + name] for name in ("id", "timestamp", "signature"))
        sent = int(at)
    except (KeyError, ValueError):
        raise NotOurs("webhook-id, webhook-timestamp and webhook-signature are wanted") from None
    if abs((time.time() if now is None else now) - sent) > tolerance:
        raise NotOurs(f"it was sent at {sent}, which is too far from now")
    expected = hmac.new(_octets_of(secret), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    for signature in signatures.split():
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(base64.b64encode(expected), value.encode()):
            return cast(Json, json.loads(body))
    raise NotOurs("no signature is of this secret")


def events(delivery: Json) -> list[Json]:
    """The single events of a delivery: those of a `message.batch`, or itself."""
    return delivery["data"]["events"] if delivery["type"] == "message.batch" else [delivery]


def _octets_of(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret is {SECRET_PREFIX} and base64") from None


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)


def _encoded(body: Any) -> bytes:
    return json.dumps({} if body is None else body).encode()


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdigit() else None


def _problem(refusal: urllib.error.HTTPError) -> Problem:
    with refusal:
        try:
            document = json.loads(refusal.read())
        except (ValueError, OSError, HTTPException):
            # A proxy in between has no problem documents.
            document = {}
    return Problem(refusal.code, document if isinstance(document, dict) else {})
