// Tries engine/clients/javascript: `engine` (at CAMPANILE_API, with CAMPANILE_KEY), `refusals` (a server of its own that refuses),
// `verify` (a JSON line each on standard input, {"secret", "headers", "body"}; says `ok` or `refused` for each).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import { Campanile, NotOurs, Problem, Unreachable, verify } from "../../engine/clients/javascript/campanile.mjs";

const { CAMPANILE_API, CAMPANILE_KEY } = process.env;

async function all(rows) {
  const found = [];
  for await (const row of rows) found.push(row);
  return found;
}

async function engine() {
  const api = new Campanile(CAMPANILE_API, CAMPANILE_KEY, { language: "fr" });
  assert.ok((await api.tenant()).credits.available > 0);
  const people = [0, 1, 2, 3, 4].map((n) => ({ reference: `P-${n}`, number: `+3361200000${n}`, last_name: `Nom ${n}`, practices: ["Lyon"] }));
  assert.equal((await api.contacts.upsert(people)).data.length, 5);
  // Page after page, each of two.
  assert.equal((await all(api.pages("/v1/contacts", { limit: 2 }))).length, 5);
  const lyon = { field: "practice", is: "lyon" };
  assert.equal(await api.contacts.count(lyon), 5);
  const found = await all(api.contacts.search(lyon));
  assert.deepEqual(found.map((one) => one.reference).sort(), people.map((one) => one.reference));
  const marathon = await api.lists.create("Marathon");
  await api.lists.change(marathon.id, { add: [found[0].id, found[1].id] });
  assert.deepEqual((await api.lists.list()).map((one) => one.contacts), [2]);
  const audience = { lists: [marathon.id] };
  const order = { name: "Rappel", text: "Bonjour [Nom]", sender: "OSTEO", purpose: "transactional", audience };
  const campaign = await api.campaigns.create(order, "rappel-1");
  assert.equal((await api.campaigns.create(order, "rappel-1")).id, campaign.id);
  assert.equal((await api.campaigns.estimate(campaign.id)).max.recipients, 2);
  const edited = await api.campaigns.edit(campaign.id, { name: "Rappel 2", validity: 3600 });
  assert.deepEqual([edited.name, edited.validity, edited.text], ["Rappel 2", 3600, "Bonjour [Nom]"]);
  assert.equal((await api.campaigns.edit(campaign.id, { validity: null })).validity, null);
  const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString();
  await api.campaigns.schedule(campaign.id, inAMonth);
  assert.equal((await api.campaigns.schedule(campaign.id, null)).state, "draft");
  await api.campaigns.cancel(campaign.id);
  assert.ok((await all(api.campaigns.list())).some((one) => one.id === campaign.id));
  const message = { to: "0612345678", text: "RDV demain", sender: "OSTEO" };
  const sent = await api.messages.send(message, "rdv-1");
  assert.deepEqual(await api.messages.send(message, "rdv-1"), sent);
  assert.equal((await api.messages.get(sent.id)).to, "+33612345678");
  const webhook = await api.webhooks.create("https://example.org/", ["message.*"]);
  assert.ok(webhook.secret.startsWith("whsec_"));
  assert.deepEqual(await all(api.webhooks.deliveries(webhook.id)), []);
  assert.notEqual((await api.webhooks.rotate(webhook.id)).secret, webhook.secret);
  await api.webhooks.delete(webhook.id);
  await api.lists.delete(marathon.id);
  await api.contacts.delete(found[0].id);
  assert.deepEqual([await api.webhooks.list(), await api.lists.list(), await api.contacts.count({})], [[], [], 4]);
  await assert.rejects(api.messages.send({ ...message, to: "06" }), (problem) => {
    assert.ok(problem instanceof Problem);
    assert.deepEqual([problem.status, problem.code, problem.errors[0].pointer], [422, "invalid_fields", "/to"]);
    assert.match(problem.request_id, /^req_/);
    assert.match(problem.message, /Ce numéro n'existe pas/);
    return true;
  });
  await assert.rejects(new Campanile(CAMPANILE_API, "sk_live_nobodys").tenant(), { status: 401, code: "unauthorized" });
}

async function refusals() {
  let script = [];
  const keys = [];
  const server = createServer((request, response) => {
    keys.push(request.headers["idempotency-key"]);
    const [status, headers, body] = script.shift();
    request.resume().on("end", () => {
      if (status === 0) response.destroy();
      else response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const waits = [];
  const sleep = async (seconds) => void waits.push(seconds);
  const api = new Campanile(`http://127.0.0.1:${server.address().port}`, "sk_live_x", { sleep });
  const order = { to: "+33612345678", text: "Bonjour", sender: "OSTEO" };
  script = [
    [429, { "retry-after": "7" }, { code: "too_many_requests", detail: "Later." }],
    [503, {}, {}],
    [0, {}, {}],
    [409, { "retry-after": "2" }, { code: "operation_running" }],
    [202, {}, { id: "msg_1" }],
  ];
  assert.deepEqual(await api.messages.send(order), { id: "msg_1" });
  assert.deepEqual(waits, [7, 2, 4, 2]);
  assert.ok(keys.length === 5 && new Set(keys).size === 1 && keys[0], keys);
  // What is asked for is longer than anybody waits, or nothing that another try would mend: it is said at once.
  for (const [status, headers, code] of [[429, { "retry-after": "3600" }, "too_many_requests"], [402, {}, "insufficient_credit"]]) {
    waits.length = 0;
    script = [[status, headers, { code }]];
    await assert.rejects(api.messages.send(order), { name: "Problem", status, code });
    assert.deepEqual(waits, []);
  }
  script = Array(5).fill([0, {}, {}]);
  await assert.rejects(api.messages.send(order), (fault) => fault instanceof Unreachable);
  assert.deepEqual(waits, [1, 2, 4, 8]);
  script = Array(5).fill([503, {}, {}]);
  await assert.rejects(api.messages.send(order), { name: "Problem", status: 503, code: "unknown" });
  server.close();
  server.closeAllConnections();
}

async function verified() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { secret, headers, body } = JSON.parse(line);
    try {
      verify(secret, body, headers);
      console.log("ok");
    } catch (fault) {
      if (!(fault instanceof NotOurs)) throw fault;
      console.log("refused");
    }
  }
}

await { engine, refusals, verify: verified }[process.argv[2]]();
