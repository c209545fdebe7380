"use strict";

// The page polls what anybody can ask for over HTTP; there is nothing here that curl cannot do.
const POLL_MS = 1000;
const MESSAGES = 300; // of the newest: the page is for looking, GET /messages is for searching
const HISTORY = 60; // seconds in a sparkline

const words = {
  en: {
    skip: "Skip to the conversation", motto: "A simulated SMSC. Nothing leaves this machine.", scenario: "Scenario",
    switch: "Switch", reset: "Empty the ledger", token: "Access token", enter: "Enter", counters: "Counters",
    sessions: "Sessions", account: "Account", bind: "Bind", peer: "Client", window: "Unacked", end: "End",
    numbers: "Numbers", find: "Find a number", phone: "Telephone", from: "From", to: "To", send: "Send",
    reply: "Reply as this person", ledger: "Ledger", capture: "Capture",
    noNumbers: "Nobody has been written to yet. Bind a client and submit.", noSessions: "Nobody is bound.",
    choose: "Choose a number to see what its owner would see, and answer in their place.",
    quietPhone: "Nothing yet. Write below as this person.", unbind: "Unbind", unbindOf: "Unbind session {0} of {1}",
    submits: "Submits", rate: "Submits a second", ok: "answered OK", refused: "answered with an error", silent: "not answered",
    due: "Receipts due", acked: "acknowledged", unwanted: "refused by the client", coming: "to come",
    inbound: "Inbound acknowledged", segments: "{0} segments", waiting: "receipt to come", unanswered: "not answered",
    noReceipt: "accepted", delivered: "acknowledged by the client", notYet: "not acknowledged yet",
    switched: "The scenario is now {0}.", emptied: "The ledger is empty.", sentNow: "Sent to {0}.",
    lost: "The simulator does not answer.", several: "several", unbound: "no account has bound",
    confirm: "Empty the ledger and forget every recipient?", any: "all",
    recipients: "{0} recipients", share: "{0} % of submits", ofInbound: "of {0} segments", unrecorded: "{0} more without a row",
    details: "On the wire", outcome: "Outcome", status: "Answer", coding: "data_coding", id: "message_id", udh: "UDH",
    octets: "Octets", absent: "none", unknown: "not kept", segment: "Segment {0} of {1}", none: "none was told", attempt: "Attempt",
    codings: { 0: "the SMSC's default", 1: "IA5", 3: "Latin-1", 4: "octets", 8: "UCS-2" },
    phase: "Phase", go: "Go to", secondsLeft: "({0} s left)", submitsLeft: "({0} submits left)",
    phased: "The phase is now {0}.", recording: "recording", record: "Record PDUs", stop: "Stop",
    download: "Download for Wireshark", nothing: "Nothing is recorded. Every PDU of every session can be, for Wireshark.",
    recorded: "{0} PDUs, {1} kB of at most {2} MB", missed: "{0} found no room", inFile: "in {0}",
  },
  fr: {
    skip: "Aller à la conversation", motto: "Un SMSC simulé. Rien ne quitte cette machine.", scenario: "Scénario",
    switch: "Changer", reset: "Vider le registre", token: "Jeton d’accès", enter: "Entrer", counters: "Compteurs",
    sessions: "Sessions", account: "Compte", bind: "Bind", peer: "Client", window: "Non acquittés", end: "Fin",
    numbers: "Numéros", find: "Chercher un numéro", phone: "Téléphone", from: "De", to: "À", send: "Envoyer",
    reply: "Répondre à la place de cette personne", ledger: "Registre", capture: "Capture",
    noNumbers: "Personne n’a encore reçu de message. Connectez un client et soumettez.", noSessions: "Aucune session.",
    choose: "Choisissez un numéro pour voir ce que voit son propriétaire, et répondre à sa place.",
    quietPhone: "Rien encore. Écrivez ci-dessous à la place de cette personne.", unbind: "Unbind",
    unbindOf: "Unbind de la session {0} de {1}",
    submits: "Soumis", rate: "Soumis par seconde", ok: "répondu OK", refused: "répondu par une erreur", silent: "sans réponse",
    due: "Accusés dus", acked: "acquittés", unwanted: "refusés par le client", coming: "à venir",
    inbound: "Entrants acquittés", segments: "{0} segments", waiting: "accusé à venir", unanswered: "sans réponse",
    noReceipt: "accepté", delivered: "acquitté par le client", notYet: "pas encore acquitté",
    switched: "Le scénario est désormais {0}.", emptied: "Le registre est vide.", sentNow: "Envoyé à {0}.",
    lost: "Le simulateur ne répond pas.", several: "plusieurs", unbound: "aucun compte connecté",
    confirm: "Vider le registre et oublier tous les destinataires ?", any: "tous",
    recipients: "{0} destinataires", share: "{0} % des soumis", ofInbound: "sur {0} segments", unrecorded: "{0} de plus sans ligne",
    details: "Sur le fil", outcome: "Issue", status: "Réponse", coding: "data_coding", id: "message_id", udh: "UDH",
    octets: "Octets", absent: "aucun", unknown: "non conservé", segment: "Segment {0} sur {1}", none: "aucun n’a été donné", attempt: "Essai",
    codings: { 0: "celui du SMSC", 1: "IA5", 3: "Latin-1", 4: "octets", 8: "UCS-2" },
    phase: "Phase", go: "Y passer", secondsLeft: "(encore {0} s)", submitsLeft: "(encore {0} soumis)",
    phased: "La phase est désormais {0}.", recording: "en cours", record: "Enregistrer les PDU", stop: "Arrêter",
    download: "Télécharger pour Wireshark", nothing: "Rien n’est enregistré. Chaque PDU de chaque session peut l’être, pour Wireshark.",
    recorded: "{0} PDU, {1} ko sur {2} Mo au plus", missed: "{0} sans place", inFile: "dans {0}",
  },
};

const $ = (id) => document.getElementById(id);
const state = { language: "en", number: null, smsc: "", history: [], last: null, messages: [], inbound: [], sessions: [], drawn: {} };

const say = (key, ...values) => values.reduce((text, value, at) => text.replace(`{${at}}`, value), words[state.language][key] ?? key);
const format = (number) => new Intl.NumberFormat(state.language).format(number);
const time = (us) => new Date(us / 1000).toLocaleTimeString(state.language);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// ---- asking

async function ask(path, options = {}) {
  const headers = {};
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    $("token-form").hidden = false;
    throw new Error(say("token"));
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error([body.detail, ...(body.faults ?? [])].join(" "));
  return body;
}

const chosen = (separator) => (state.smsc ? `${separator}smsc=${encodeURIComponent(state.smsc)}` : "");

function alertWith(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

async function poll() {
  try {
    const [totals, sessions, messages, inbound, scenario, phases, capture, own] = await Promise.all([
      ask("/ledger/totals" + chosen("?")),
      ask("/sessions" + chosen("?")),
      ask(`/messages?order=newest&limit=${MESSAGES}` + chosen("&")),
      ask(`/inbound?limit=${MESSAGES}` + chosen("&")),
      ask("/scenario"),
      ask("/phase" + chosen("?")),
      ask("/capture"),
      // The chosen number's own: they may be long gone from the newest of all.
      state.number ? ask(`/messages?order=newest&limit=100&recipient=${encodeURIComponent(state.number)}` + chosen("&")) : { data: [] },
    ]);
    Object.assign(state, { sessions, messages: messages.data, inbound, own: own.data });
    remember(totals);
    showTiles(totals);
    showSessions();
    if (state.number && !$("to").value && !state.typed) choose(state.number);
    showNumbers();
    showPhone();
    showScenario(scenario);
    showPhase(phases, totals);
    showCapture(capture);
    $("token-form").hidden = true;
    if (state.failed) alertWith("");
    state.failed = false;
  } catch (error) {
    state.failed = true;
    alertWith(error instanceof TypeError ? say("lost") : error.message);
  }
  setTimeout(poll, POLL_MS);
}

// ---- counters

function remember(totals) {
  const now = performance.now();
  if (state.last) {
    const seconds = Math.max((now - state.last.at) / 1000, 0.001);
    state.history.push(Math.max(0, (totals.submits - state.last.submits) / seconds));
    state.history = state.history.slice(-HISTORY);
  }
  state.last = { at: now, submits: totals.submits };
}

function showTiles(totals) {
  const rate = Math.round(state.history.at(-1) ?? 0);
  const { ESME_ROK: ok = 0, ...errors } = totals.by_status;
  const refused = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const silent = totals.submits - ok - refused;
  const coming = totals.receipts_due - totals.receipts_acked - totals.receipts_refused;
  const share = (count) => say("share", (totals.submits ? (100 * count) / totals.submits : 0).toFixed(1));
  const unrecorded = totals.unrecorded ? say("unrecorded", format(totals.unrecorded)) : "";
  // Each row adds up: the first tile is the sum of those with a sign.
  const tiles = [
    ["submits", "", totals.submits, "", [say("recipients", format(totals.recipients)), unrecorded].filter(Boolean).join(", ")],
    ["ok", "=", ok, "", share(ok)],
    ["refused", "+", refused, refused > 0 ? "bad" : "", refused ? most(errors) : share(refused)],
    ["silent", "+", silent, silent > 0 ? "wait" : "", share(silent)],
    ["rate", "", rate, "spark", ""],
    ["due", "", totals.receipts_due, "", totals.duplicates ? `2×: ${format(totals.duplicates)}` : ""],
    ["acked", "=", totals.receipts_acked, "", most(totals.by_stat)],
    ["unwanted", "+", totals.receipts_refused, totals.receipts_refused > 0 ? "bad" : "", ""],
    ["coming", "+", coming, "", ""],
    ["inbound", "", totals.inbound_acked, "", say("ofInbound", format(totals.inbound_sent))],
  ];
  if (same("tiles", [tiles, state.history])) return;
  $("tiles").replaceChildren(...tiles.map(([key, sign, value, kind, detail]) => element("div", { class: `tile ${kind}`, id: `tile-${key}` },
    element("dt", {}, sign ? element("b", { class: "sign" }, sign) : null, ` ${say(key)}`), element("dd", {}, format(value)),
    kind === "spark" ? spark(state.history) : element("small", {}, detail))));
}

// The most frequent ones of a count by name.
function most(counts) {
  const sorted = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  return sorted.slice(0, 2).map(([name, count]) => `${name} ${format(count)}`).join(", ") || "–";
}

function spark(values) {
  const name = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(name, "svg");
  const most = Math.max(...values, 1);
  const points = values.map((value, at) => `${((at + HISTORY - values.length) * 100) / (HISTORY - 1)},${25 - (value * 23) / most}`);
  picture.setAttribute("viewBox", "0 0 100 26");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(name, "polyline");
  line.setAttribute("points", points.join(" "));
  picture.append(line);
  return picture;
}

// Whether a part of the page would look the same again: what is not drawn anew keeps its focus and its place.
function same(part, content) {
  const text = state.language + JSON.stringify(content);
  const is = state.drawn[part] === text;
  state.drawn[part] = text;
  return is;
}

// ---- sessions

function showSessions() {
  $("session-count").textContent = format(state.sessions.length);
  const accounts = [...new Set(state.sessions.map((session) => session.account))].sort();
  if (!same("accounts", accounts)) {
    const before = $("account").value;
    const options = accounts.length ? accounts : [""];
    $("account").replaceChildren(...options.map((account) => element("option", { value: account }, account || say("unbound"))));
    if (accounts.includes(before)) $("account").value = before;
  }
  if (same("sessions", state.sessions)) return;
  const focused = document.activeElement?.dataset?.session;
  $("sessions").replaceChildren(...state.sessions.map((session) => {
    const button = element("button", { type: "button", class: "quiet", "data-session": session.session,
      "aria-label": say("unbindOf", session.session, session.account) }, say("unbind"));
    button.addEventListener("click", () => act(() => ask(`/sessions/unbind?session=${session.session}&smsc=${encodeURIComponent(session.smsc)}`, { method: "POST" })));
    return element("tr", {}, element("td", {}, session.account), element("td", {}, session.bind),
      element("td", {}, session.peer), element("td", { class: "number" }, format(session.unacknowledged)), element("td", { class: "number" }, button));
  }));
  if (!state.sessions.length) $("sessions").append(element("tr", {}, element("td", { colspan: "5", class: "none" }, say("noSessions"))));
  if (focused) document.querySelector(`[data-session="${focused}"]`)?.focus();
}

// ---- numbers

const digits = (number) => number.replace(/^\+/, "");

function conversations() {
  const all = new Map();
  const note = (number, at, text) => {
    const known = all.get(number) ?? { number, count: 0, at: 0, text: "" };
    known.count += 1;
    if (at >= known.at) Object.assign(known, { at, text });
    all.set(number, known);
  };
  for (const message of state.messages) note(digits(message.recipient), message.received_at_us, message.text ?? "");
  for (const message of state.inbound) note(digits(message.from), message.at_us ?? 0, message.text);
  return [...all.values()].sort((one, other) => other.at - one.at);
}

function showNumbers() {
  const wanted = digits($("find").value.trim());
  const all = conversations();
  // An empty telephone tells nothing: the newest conversation is shown until somebody chooses.
  if (!state.number && all.length && !state.typed) return choose(all[0].number);
  const list = all.filter((known) => known.number.includes(wanted)).slice(0, 100);
  $("no-numbers").hidden = list.length > 0;
  if (same("numbers", [list, state.number])) return;
  const focused = document.activeElement?.dataset?.number;
  $("numbers").replaceChildren(...list.map((known) => {
    const button = element("button", { type: "button", "data-number": known.number, "aria-current": known.number === state.number ? "true" : null },
      element("b", {}, known.number), element("small", {}, format(known.count)), element("span", { class: "last" }, known.text));
    button.addEventListener("click", () => choose(known.number));
    return element("li", {}, button);
  }));
  if (focused) document.querySelector(`[data-number="${focused}"]`)?.focus();
}

function choose(number) {
  state.number = number;
  state.typed = false;
  history.replaceState(null, "", `#${number}`);
  $("from").value = number;
  const last = ownMessages()[0];
  if (last) {
    $("to").value = last.source;
    if ([...$("account").options].some((option) => option.value === last.account)) $("account").value = last.account;
  }
  showNumbers();
  showPhone();
}

// ---- the phone

// Until the next poll, those among the newest of all stand in.
function ownMessages() {
  const own = (state.own ?? []).filter((message) => digits(message.recipient) === state.number);
  return own.length ? own : state.messages.filter((message) => digits(message.recipient) === state.number);
}

function showPhone() {
  const bubbles = [
    ...ownMessages().map((message) => ({ at: message.received_at_us, message })),
    ...state.inbound.filter((reply) => digits(reply.from) === state.number).map((reply) => ({ at: reply.at_us ?? 0, reply })),
  ].sort((one, other) => one.at - other.at);
  if (same("phone", [state.number, bubbles])) return;
  $("phone-title").textContent = state.number ?? say("phone");
  $("phone-about").textContent = state.number ? [...new Set(bubbles.map((bubble) => bubble.message?.source).filter(Boolean))].join(", ") : "";
  if (!bubbles.length) {
    $("bubbles").replaceChildren(element("li", { class: "hint" }, say(state.number ? "quietPhone" : "choose")));
    return;
  }
  const list = $("bubbles");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  draw(list, bubbles);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// Only what has changed, so that a screen reader says what is new and nothing else.
function draw(list, bubbles) {
  const keep = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const items = bubbles.map(({ at, message, reply }) => {
    const key = message ? `m${message.smsc}${message.sequence}` : `r${reply.smsc}${state.inbound.indexOf(reply)}`;
    const content = state.language + JSON.stringify(message ?? reply);
    const known = keep.get(key);
    if (known?.dataset.content === content) return known;
    const item = message ? outbound(message, at, known?.querySelector("details")?.open) : inbound(reply, at);
    item.dataset.key = key;
    item.dataset.content = content;
    return item;
  });
  list.replaceChildren(...items);
}

function outbound(message, at, open) {
  const segments = message.segments_total > 1 ? say("segments", `${message.segments.length}/${message.segments_total}`) : null;
  const [kind, mark, text] = fate(message);
  return element("li", { class: "received" }, element("p", { class: "bubble" }, message.text ?? "…"),
    element("p", { class: "meta" }, element("span", {}, message.source), element("span", {}, time(at)),
      segments ? element("span", {}, segments) : null, element("span", { class: kind }, `${mark} ${text}`)), wire(message, open));
}

// What a message was on the wire: how it was coded, what came of it, and every segment octet by octet.
function wire(message, open) {
  const coding = words[state.language].codings[message.data_coding];
  const hex = `0x${message.data_coding.toString(16).padStart(2, "0")}`;
  const rows = [
    ["outcome", message.outcome || "–"], ["status", message.status ?? say("unanswered")], ["attempt", String(message.attempt)],
    ["coding", coding ? `${hex} (${coding})` : hex],
  ];
  const details = element("details", {}, element("summary", {}, say("details")), table(rows));
  details.open = Boolean(open);
  for (const segment of message.segments) {
    if (message.segments_total > 1) details.append(element("h3", {}, say("segment", segment.part, message.segments_total)));
    details.append(table([
      ["id", segment.message_id || say("none")], ["udh", octets(segment.udh)], ["octets", octets(segment.short_message)],
    ]));
  }
  return details;
}

function table(rows) {
  return element("dl", { class: "wire" }, ...rows.flatMap(([key, value]) => [element("dt", {}, say(key)), element("dd", {}, value)]));
}

// Hexadecimal digits, an octet apart from the next.
function octets(digits) {
  if (digits === null) return say("unknown");
  return digits.replace(/(..)(?=.)/g, "$1 ") || say("absent");
}

// What became of a message: an icon and a word, never a colour alone.
function fate(message) {
  const sum = (key) => message.segments.reduce((total, segment) => total + segment[key], 0);
  if (!message.status) return ["wait", "…", say("unanswered")];
  if (message.status !== "ESME_ROK") return ["bad", "✕", message.status];
  if (sum("receipts_due") === 0) return ["", "✓", say("noReceipt")];
  if (sum("receipts_sent") < sum("receipts_due")) return ["wait", "✓", say("waiting")];
  const kind = message.stat === "DELIVRD" ? "good" : "bad";
  return [kind, sum("receipts_acked") >= sum("receipts_due") ? "✓✓" : "✓", message.stat];
}

function inbound(reply, at) {
  const acked = reply.acked >= reply.segments;
  return element("li", { class: "sent" }, element("p", { class: "bubble" }, reply.text),
    element("p", { class: "meta" }, element("span", {}, `→ ${reply.to}`), at ? element("span", {}, time(at)) : null,
      reply.segments > 1 ? element("span", {}, say("segments", reply.segments)) : null,
      element("span", { class: acked ? "good" : "wait" }, acked ? `✓✓ ${say("delivered")}` : `… ${say("notYet")}`)));
}

// ---- scenario

function showScenario(scenario) {
  const names = scenario.smscs.map((smsc) => smsc.smsc);
  if (!same("smscs", names)) {
    $("smsc-field").hidden = names.length < 2;
    $("smsc").replaceChildren(...["", ...names].map((name) => element("option", { value: name }, name || say("any"))));
    $("smsc").value = state.smsc;
  }
  const current = (scenario.smscs.find((smsc) => smsc.smsc === state.smsc) ?? scenario.smscs[0]).name;
  if (same("scenario", [current, state.known])) return;
  const known = state.known ?? [];
  const list = known.some((one) => one.name === current) ? known : [{ name: current, about: scenario.about }, ...known];
  $("scenario").replaceChildren(...list.map((one) => element("option", { value: one.name, title: one.about }, one.name)));
  $("scenario").value = current;
  describe();
}

// What the chosen scenario does, before and after the switch to it.
function describe() {
  const chosenName = $("scenario").value;
  $("scenario-about").textContent = [...$("scenario").options].find((option) => option.value === chosenName)?.title ?? "";
}

// Of one SMSC: the phases of several have nothing to do with each other.
function showPhase(smscs, totals) {
  const only = smscs.length === 1 ? smscs[0] : { phase: null, phases: [] };
  $("phase-form").hidden = !only.phase;
  if (!only.phase) return;
  const { name, until_us: until, until_submits: submits } = only.phase;
  const seconds = until && say("secondsLeft", format(Math.max(0, Math.ceil(until / 1e6 - Date.now() / 1000))));
  $("phase-left").textContent = seconds || (submits ? say("submitsLeft", format(Math.max(0, submits - totals.submits))) : "");
  // Who is choosing must not have the choice changed behind their back.
  if (same("phase", [name, only.phases])) return;
  $("phase").replaceChildren(...only.phases.map((phase) => element("option", { value: phase }, phase)));
  $("phase").value = name;
}

// ---- the capture

function showCapture(capture) {
  if (same("capture", capture)) return;
  const { running, frames, file } = capture;
  $("capture-running").hidden = !running;
  $("capture-start").hidden = running;
  $("capture-stop").hidden = !running;
  const parts = [say("recorded", format(frames), format(Math.ceil(capture.bytes / 1000)), format(Math.round(capture.bytes_max / 1e6)))];
  if (file) parts.push(say("inFile", file));
  if (capture.dropped) parts.push(say("missed", format(capture.dropped)));
  $("capture-about").textContent = running || frames ? `${parts.join(", ")}.` : say("nothing");
  const link = $("capture-file");
  link.setAttribute("aria-disabled", String(!frames));
  if (frames) link.setAttribute("href", "/capture/file");
  else link.removeAttribute("href");
}

// A link cannot show the token, so what it leads to is fetched and handed over.
async function follow(link) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem("token")}` };
  const answer = await fetch(link.getAttribute("href"), { headers });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const address = URL.createObjectURL(await answer.blob());
  element("a", { href: address, download: link.getAttribute("download") ?? link.pathname.slice(1) }).click();
  setTimeout(() => URL.revokeObjectURL(address), POLL_MS);
}

// ---- what people do

async function act(what, done) {
  try {
    const answer = await what();
    alertWith("");
    if (done) $("sent").textContent = done(answer);
  } catch (error) {
    alertWith(error.message);
  }
}

function translate() {
  document.documentElement.lang = state.language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  const other = state.language === "en" ? "fr" : "en";
  const button = $("language");
  button.textContent = other.toUpperCase();
  button.lang = other;
  button.setAttribute("aria-label", other === "fr" ? "Passer en français" : "Switch to English");
  if (state.number) $("phone-title").textContent = state.number;
}

function begin() {
  $("language").addEventListener("click", () => {
    state.language = state.language === "en" ? "fr" : "en";
    translate();
    showPhone();
  });
  $("find").addEventListener("input", showNumbers);
  // Who is writing must not have the form filled in behind their back.
  $("inbound-form").addEventListener("input", () => {
    state.typed = true;
  });
  $("smsc").addEventListener("change", () => {
    Object.assign(state, { smsc: $("smsc").value, history: [], last: null });
  });
  $("scenario").addEventListener("change", describe);
  $("scenario-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("scenario").value;
    act(() => ask(`/scenario?name=${encodeURIComponent(name)}` + chosen("&"), { method: "POST" }), () => say("switched", name));
  });
  $("phase-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("phase").value;
    act(() => ask(`/phase?name=${encodeURIComponent(name)}` + chosen("&"), { method: "POST" }), () => say("phased", name));
  });
  for (const what of ["start", "stop"]) {
    $(`capture-${what}`).addEventListener("click", () => act(async () => showCapture(await ask(`/capture/${what}`, { method: "POST" }))));
  }
  for (const link of [$("capture-file"), ...document.querySelectorAll("footer a")]) {
    link.addEventListener("click", (event) => {
      if (!sessionStorage.getItem("token") || !link.hasAttribute("href")) return;
      event.preventDefault();
      act(() => follow(link));
    });
  }
  $("reset").addEventListener("click", () => {
    if (window.confirm(say("confirm"))) act(() => ask("/reset" + chosen("?"), { method: "POST" }), () => say("emptied"));
  });
  $("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value);
    alertWith("");
    start();
  });
  $("inbound-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const order = { from: $("from").value.trim(), to: $("to").value.trim(), text: $("text").value };
    if ($("account").value) order.account = $("account").value;
    const session = state.sessions.find((known) => known.account === order.account);
    if (session) order.smsc = session.smsc;
    act(() => ask("/inbound", { method: "POST", body: JSON.stringify(order) }), () => {
      $("text").value = "";
      state.number = digits(order.from);
      return say("sentNow", order.to);
    });
  });
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      $("inbound-form").requestSubmit();
    }
  });
  start();
}

async function start() {
  state.number = location.hash.slice(1).replace(/[^0-9]/g, "") || state.number;
  await act(async () => {
    state.known = await ask("/scenarios");
  });
  if (!state.polling) poll();
  state.polling = true;
}

begin();
