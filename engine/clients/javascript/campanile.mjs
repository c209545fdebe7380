/**
 * Campanile's API from JavaScript, with nothing but Node.js (20 or newer).
 *
 *     import { Campanile, Problem } from "./campanile.mjs";
 *
 *     const api = new Campanile("https://sms.example", key);
 *     const campaign = await api.campaigns.create({ name, text, sender, purpose: "transactional", audience });
 *     await api.campaigns.launch(campaign.id);
 *
 * Bodies and answers are those of the API's document (/openapi.json). What is refused throws a Problem. Every POST has an
 * idempotency key, so that it is done once however often it is sent; 429, 503 and lost connections are tried again with the
 * same one.
 */

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Which answers are worth another try: too many requests, not ready. */
const AGAIN = [429, 503];

/** The first wait when no answer says how long, in seconds; it doubles each time. */
const FIRST_WAIT = 1;

/** How many rows a page has. */
const PAGE = 500;

/** What a secret of webhooks begins with. */
const SECRET_PREFIX = "whsec_";

/** How far the clocks of sender and receiver may be apart, in seconds. */
const TOLERANCE = 300;

/** @typedef {{ pointer: string, code: string, detail: string }} FieldError What is wrong with one field, and where it is. */
/** @typedef {"transactional" | "marketing"} Purpose */
/** @typedef {{ name: string, text: string, sender: string, purpose: Purpose, audience: object, encoding?: string, validity?: number }} CampaignOrder */
/** @typedef {{ to: string, text: string, sender: string, purpose?: Purpose, encoding?: string, validity?: number }} MessageOrder */
/** @typedef {{ to: string, id: string, status: string, reason: string | null, code: number | null, at: string | null }} Recipient */

/** The engine says no, as RFC 9457 has it. `code` never changes; `detail` is for people. */
export class Problem extends Error {
  /** @param {number} status @param {any} document */
  constructor(status, document) {
    const { code = "unknown", title = "", detail = "", errors = [], request_id = null, next_open_at = null } = document;
    const fields = errors.map((error) => `\n  ${error.pointer}: ${error.detail}`).join("");
    super(`${detail || title || status} (${code})${fields}`);
    this.name = "Problem";
    /** @type {number} */ this.status = status;
    /** @type {string} */ this.code = code;
    /** @type {string} */ this.title = title;
    /** @type {string} */ this.detail = detail;
    /** @type {FieldError[]} */ this.errors = errors;
    /** @type {string | null} */ this.request_id = request_id;
    /** @type {string | null} */ this.next_open_at = next_open_at;
  }
}

/** No answer came, however often it was tried. A POST may have been done: sent again under its key it is done once. */
export class Unreachable extends Error {
  /** @param {string} what @param {unknown} cause */
  constructor(what, cause) {
    super(what, { cause });
    this.name = "Unreachable";
  }
}

/** What came to a webhook is not signed with its secret, or is too old. */
export class NotOurs extends Error {
  /** @param {string} why */
  constructor(why) {
    super(why);
    this.name = "NotOurs";
  }
}

/** A tenant's way to the API. */
export class Campanile {
  #base;
  #key;
  #settings;

  /**
   * `attempts`: how often a request is sent at the most. `longestWait` (seconds): longer waits than that are not waited for; the
   * refusal is thrown then. `timeout` (seconds): of one attempt. `language`: of the problems' words, "en" or "fr".
   *
   * @param {string} baseUrl
   * @param {string} key
   * @param {{ language?: string, timeout?: number, attempts?: number, longestWait?: number, sleep?: (seconds: number) => Promise<void> }} [settings]
   */
  constructor(baseUrl, key, settings = {}) {
    this.#base = baseUrl.replace(/\/+$/, "");
    this.#key = key;
    this.#settings = { language: "en", timeout: 60, attempts: 5, longestWait: 60, sleep, ...settings };
    this.campaigns = new Campaigns(this);
    this.messages = new Messages(this);
    this.contacts = new Contacts(this);
    this.imports = new Imports(this);
    this.lists = new Lists(this);
    this.webhooks = new Webhooks(this);
  }

  /** Who asks, with what was agreed on and its credits. */
  tenant() {
    return this.get("/v1/tenant");
  }

  /** `GET`, for what has no method of its own. @param {string} path @param {object} [query] @returns {Promise<any>} */
  get(path, query) {
    return this.#json("GET", path, { query });
  }

  /** `POST`, done once; the key is made here when none is given. @param {string} path @param {unknown} [body] @param {string} [idempotencyKey] @returns {Promise<any>} */
  post(path, body = {}, idempotencyKey = randomUUID()) {
    return this.#json("POST", path, { body: JSON.stringify(body), key: idempotencyKey });
  }

  /** `PATCH`: what is given is otherwise from then on. @param {string} path @param {object} body @returns {Promise<any>} */
  patch(path, body) {
    return this.#json("PATCH", path, { body: JSON.stringify(body) });
  }

  /** The rows of a list, page after page, as they are asked for. @param {string} path @param {object} [query] @returns {AsyncGenerator<any>} */
  async *pages(path, query = {}) {
    let cursor;
    do {
      const page = await this.get(path, { limit: PAGE, ...query, cursor });
      yield* page.data;
      cursor = page.next_cursor;
    } while (cursor);
  }

  async #json(method, path, given) {
    const text = await this.send(method, path, given);
    return text ? JSON.parse(text) : {};
  }

  /**
   * Any request, tried again where that is worth it; its answer as text.
   *
   * @param {string} method
   * @param {string} path
   * @param {{ query?: object, body?: string | Uint8Array, contentType?: string, key?: string }} [given]
   * @returns {Promise<string>}
   */
  async send(method, path, { query = {}, body, contentType = "application/json", key } = {}) {
    const { language, timeout, attempts, longestWait, sleep: wait } = this.#settings;
    const some = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const url = this.#base + path + (some.length ? `?${new URLSearchParams(some.map(([name, value]) => [name, String(value)]))}` : "");
    const headers = { authorization: `Bearer ${this.#key}`, "accept-language": language };
    if (body !== undefined) headers["content-type"] = contentType;
    if (key !== undefined) headers["idempotency-key"] = key;
    let pause = FIRST_WAIT;
    for (let left = Math.max(1, attempts) - 1; ; left -= 1, pause *= 2) {
      let answered;
      try {
        const response = await fetch(url, { method, headers, body, redirect: "error", signal: AbortSignal.timeout(timeout * 1000) });
        answered = { response, text: await response.text() };
      } catch (fault) {
        // What changes something without a key may have been done.
        if (left === 0 || (method !== "GET" && key === undefined)) throw new Unreachable(`${method} ${url}: ${fault.message}`, fault);
        await wait(Math.min(pause, longestWait));
        continue;
      }
      const { response, text } = answered;
      if (response.ok) return text;
      const problem = new Problem(response.status, documentOf(text));
      const asked = secondsOf(response.headers.get("retry-after"));
      // The same request is still being done: a connection was lost.
      const again = AGAIN.includes(response.status) || problem.code === "operation_running";
      if (left === 0 || !again || (asked ?? pause) > longestWait) throw problem;
      await wait(asked ?? pause);
    }
  }

  /** @param {number} seconds */
  sleep(seconds) {
    return this.#settings.sleep(seconds);
  }
}

/** Campaigns: made, estimated, launched, followed. */
class Campaigns {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Make one; nothing is sent before its launch. @param {CampaignOrder} order @param {string} [idempotencyKey] */
  create(order, idempotencyKey) {
    return this.#api.post("/v1/campaigns", order, idempotencyKey);
  }

  /** All of them, newest first. */
  list() {
    return this.#api.pages("/v1/campaigns");
  }

  /** One with its progress. @param {string} campaign */
  get(campaign) {
    return this.#api.get(pathOf("campaigns", campaign));
  }

  /** Have a draft say something else; what is not given stays, `null` takes it away. @param {string} campaign @param {object} change */
  edit(campaign, change) {
    return this.#api.patch(pathOf("campaigns", campaign), change);
  }

  /** What it will take and cost; nothing is held. @param {string} campaign */
  estimate(campaign) {
    return this.#api.post(pathOf("campaigns", campaign, "estimate"));
  }

  /** Launch it: the credits of its estimate are held, all of them or none. @param {string} campaign @param {string} [idempotencyKey] */
  launch(campaign, idempotencyKey) {
    return this.#api.post(pathOf("campaigns", campaign, "launch"), {}, idempotencyKey);
  }

  /** Have it launch by itself at a date; `null`: it is a draft again. @param {string} campaign @param {string | null} at @param {string} [timeZone] */
  schedule(campaign, at, timeZone) {
    return this.#api.post(pathOf("campaigns", campaign, "schedule"), { scheduled_at: at, time_zone: timeZone });
  }

  /** Nothing more of it is sent until it is resumed. @param {string} campaign */
  pause(campaign) {
    return this.#api.post(pathOf("campaigns", campaign, "pause"));
  }

  /** Go on with a paused one. @param {string} campaign */
  resume(campaign) {
    return this.#api.post(pathOf("campaigns", campaign, "resume"));
  }

  /** End it for good: what is not sent is canceled. @param {string} campaign */
  cancel(campaign) {
    return this.#api.post(pathOf("campaigns", campaign, "cancel"));
  }

  /** Forget one that was not launched. @param {string} campaign */
  async delete(campaign) {
    await this.#api.send("DELETE", pathOf("campaigns", campaign));
  }

  /** The seven statuses, with labels in the client's language; estimate and cost. @param {string} campaign */
  report(campaign) {
    return this.#api.get(pathOf("campaigns", campaign, "report"));
  }

  /** What became of each recipient. @param {string} campaign @returns {AsyncGenerator<Recipient>} */
  recipients(campaign) {
    return this.#api.pages(pathOf("campaigns", campaign, "recipients"));
  }
}

/** Single messages, ahead of all campaigns. */
class Messages {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Send one. With a key of your own it goes once, whatever becomes of this process. @param {MessageOrder} order @param {string} [idempotencyKey] */
  send(order, idempotencyKey) {
    return this.#api.post("/v1/messages", order, idempotencyKey);
  }

  /** How far it is. @param {string} message */
  get(message) {
    return this.#api.get(pathOf("messages", message));
  }
}

/** People. */
class Contacts {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Put up to 1,000 people in place of what is known of them: all, or none. @param {object[]} contacts */
  upsert(contacts) {
    return this.#api.post("/v1/contacts", { contacts });
  }

  /** Everybody. */
  list() {
    return this.#api.pages("/v1/contacts");
  }

  /** Those whom a filter means. @param {object} filter @returns {AsyncGenerator<any>} */
  async *search(filter) {
    let cursor;
    do {
      const page = await this.#api.post("/v1/contacts/search", { filter, limit: PAGE, cursor });
      yield* page.data;
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
  }

  /** How many a filter means. @param {object} filter @returns {Promise<number>} */
  async count(filter) {
    return (await this.#api.post("/v1/contacts/search", { filter, limit: 1 })).total;
  }

  /** One of them. @param {string} contact */
  get(contact) {
    return this.#api.get(pathOf("contacts", contact));
  }

  /** Forget one. @param {string} contact */
  async delete(contact) {
    await this.#api.send("DELETE", pathOf("contacts", contact));
  }
}

/** Files of contacts, CSV or XLSX. */
class Imports {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Begin to take one in; `get` says how far it is. The same file again changes nothing. @param {string | Uint8Array} file @param {{ columns?: string, list?: string }} [wishes] */
  start(file, wishes = {}) {
    return this.#import(file, wishes);
  }

  /** How a file is understood; nothing is changed. @param {string | Uint8Array} file @param {{ columns?: string }} [wishes] */
  preview(file, wishes = {}) {
    return this.#import(file, { ...wishes, dry_run: true });
  }

  /** How far an import is. @param {string} id */
  get(id) {
    return this.#api.get(pathOf("imports", id));
  }

  /** The rows that were not taken, as a CSV that can be mended and sent again. @param {string} id */
  errors(id) {
    return this.#api.send("GET", pathOf("imports", id, "errors"));
  }

  /** An import when it has ended. @param {string} id @param {number} [pause] seconds */
  async wait(id, pause = 0.5) {
    let found;
    while ((found = await this.get(id)).state === "running") await this.#api.sleep(pause);
    return found;
  }

  async #import(file, query) {
    return JSON.parse(await this.#api.send("POST", "/v1/imports", { query, body: file, contentType: "text/csv" }));
  }
}

/** People who are kept together. */
class Lists {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Make one. @param {string} name */
  create(name) {
    return this.#api.post("/v1/lists", { name });
  }

  /** All of them. */
  async list() {
    return (await this.#api.get("/v1/lists")).data;
  }

  /** Put contacts on it, and take others off. @param {string} id @param {{ add?: string[], remove?: string[] }} changes */
  change(id, { add, remove }) {
    return this.#api.post(pathOf("lists", id, "members"), { add, remove });
  }

  /** Forget the list; its people stay. @param {string} id */
  async delete(id) {
    await this.#api.send("DELETE", pathOf("lists", id));
  }
}

/** URLs that are told of what happens. */
class Webhooks {
  #api;

  /** @param {Campanile} api */
  constructor(api) {
    this.#api = api;
  }

  /** Have a URL told; its `secret` is in this answer alone. @param {string} url @param {string[]} events @param {string} [description] */
  create(url, events, description = "") {
    return this.#api.post("/v1/webhooks", { url, events, description });
  }

  /** All of them. */
  async list() {
    return (await this.#api.get("/v1/webhooks")).data;
  }

  /** What was told, with each attempt. @param {string} webhook */
  deliveries(webhook) {
    return this.#api.pages(pathOf("webhooks", webhook, "deliveries"));
  }

  /** A new secret; both sign for a while. @param {string} webhook */
  rotate(webhook) {
    return this.#api.post(pathOf("webhooks", webhook, "rotate"));
  }

  /** Tell it no more. @param {string} webhook */
  async delete(webhook) {
    await this.#api.send("DELETE", pathOf("webhooks", webhook));
  }
}

/**
 * The event in what came to a webhook, if it is signed with its secret (Standard Webhooks); else throws NotOurs. An event may come
 * twice, under the same `webhook-id`.
 *
 * @param {string} secret
 * @param {string | Uint8Array} body its octets as they came
 * @param {Record<string, string>} headers in any case
 * @param {{ tolerance?: number, now?: number }} [settings] in seconds
 * @returns {any}
 */
export function verify(secret, body, headers, { tolerance = TOLERANCE, now = Date.now() / 1000 } = {}) {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const [id, at, signatures] = ["id", "timestamp", "signature"].map((name) => given[`webhook-${name}`]);
  if (!id || !signatures || !/^\d+$/.test(at ?? "")) {
    throw new NotOurs("webhook-id, webhook-timestamp and webhook-signature are wanted");
  }
  if (Math.abs(now - Number(at)) > tolerance) throw new NotOurs(`it was sent at ${at}, which is too far from now`);
  const hmac = createHmac("sha256", Buffer.from(secret.replace(SECRET_PREFIX, ""), "base64"));
  const expected = Buffer.from(hmac.update(`${id}.${at}.`).update(body).digest("base64"));
  for (const signature of signatures.split(" ")) {
    const [version, value = ""] = signature.split(",");
    const found = Buffer.from(value);
    if (version === "v1" && found.length === expected.length && timingSafeEqual(found, expected)) {
      return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString("utf8"));
    }
  }
  throw new NotOurs("no signature is of this secret");
}

/** The single events of a delivery: those of a `message.batch`, or itself. @param {any} delivery @returns {any[]} */
export function events(delivery) {
  return delivery.type === "message.batch" ? delivery.data.events : [delivery];
}

/** @param {number} seconds @returns {Promise<void>} */
function sleep(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** @param {...string} parts */
function pathOf(...parts) {
  return `/v1/${parts.map(encodeURIComponent).join("/")}`;
}

/** @param {string | null} header */
function secondsOf(header) {
  return /^\d+$/.test(header ?? "") ? Number(header) : undefined;
}

/** A proxy in between has no problem documents. @param {string} text */
function documentOf(text) {
  try {
    const document = JSON.parse(text);
    return document !== null && typeof document === "object" ? document : {};
  } catch {
    return {};
  }
}
