// node-smpp as a client, plain or over TLS: see README.md for its environment and what it prints.
// Long messages go whole, in message_payload.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const { HOST, SYSTEM_ID, PASSWORD, LONG_TEXT, TLS_CA } = process.env;
const number = (name) => Number(process.env[name]);
const [PORT, COUNT, LONG, WINDOW, FIRST, LIMIT, INBOUND] = ['PORT', 'COUNT', 'LONG', 'WINDOW', 'FIRST', 'LIMIT', 'INBOUND'].map(number);
const ESM_CLASS_RECEIPT = 0x04;
const DATA_CODING_UCS2 = 8;

// What was answered, and which receipts belong to it, in whatever order the two come.
const acceptedIds = new Set();
const receiptIds = new Set();
let submitted = 0;
let unanswered = 0;
let refused = 0;
let receipts = 0;
const inbound = [];
const openInbound = new Map();

const matched = () => [...acceptedIds].filter((id) => receiptIds.has(id)).length;
const answered = () => acceptedIds.size + refused === COUNT + LONG;
const complete = () => answered() && matched() === acceptedIds.size && inbound.length === INBOUND;

function finish(session) {
  const result = { accepted: acceptedIds.size, refused, receipts, matched: matched(), inbound: inbound.sort() };
  const exit = () => {
    console.log('RESULT ' + JSON.stringify(result));
    process.exit(complete() && refused === 0 ? 0 : 1);
  };
  session.unbind(exit);
  setTimeout(exit, 2000);
}

function submitMore(session) {
  while (unanswered < WINDOW && submitted < COUNT + LONG) {
    unanswered += 1;
    const content = submitted < COUNT
      ? { short_message: 'Votre rendez-vous est confirmé.' }
      : { data_coding: DATA_CODING_UCS2, message_payload: { message: LONG_TEXT } };
    const message = {
      source_addr: 'Clinique', source_addr_ton: 5, source_addr_npi: 0,
      destination_addr: String(FIRST + submitted), dest_addr_ton: 1, dest_addr_npi: 1,
      registered_delivery: 1, ...content,
    };
    submitted += 1;
    session.submit_sm(message, (answer) => {
      unanswered -= 1;
      if (answer.command_status === 0) acceptedIds.add(answer.message_id);
      else refused += 1;
      if (complete()) finish(session);
      else submitMore(session);
    });
  }
}

// The whole text, with its last segment; undefined before. A surrogate pair may be cut in two, which JavaScript's strings allow.
function join(pdu) {
  const { udh, message } = pdu.short_message;
  if (!udh) return String(message);
  const [reference, segments, part] = udh[0].subarray(2);
  const key = `${pdu.source_addr} ${reference}`;
  if (!openInbound.has(key)) openInbound.set(key, new Map());
  const parts = openInbound.get(key);
  parts.set(part, String(message));
  if (parts.size < segments) return undefined;
  openInbound.delete(key);
  return [...parts.keys()].sort((a, b) => a - b).map((number) => parts.get(number)).join('');
}

const secured = TLS_CA ? { tls: true, ca: fs.readFileSync(TLS_CA), servername: 'localhost' } : {};
const session = smpp.connect({ host: HOST, port: PORT, ...secured }, () => {
  session.bind_transceiver({ system_id: SYSTEM_ID, password: PASSWORD, interface_version: 0x34 }, (answer) => {
    if (answer.command_status !== 0) {
      console.error('bind refused with command_status', answer.command_status);
      process.exit(1);
    }
    submitMore(session);
  });
});

session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  if ((pdu.esm_class & ESM_CLASS_RECEIPT) === 0) {
    const whole = join(pdu);
    if (whole !== undefined) inbound.push(whole);
    if (complete()) finish(session);
    return;
  }
  const text = pdu.short_message && pdu.short_message.message ? String(pdu.short_message.message) : '';
  receipts += 1;
  const found = /id:(\S+)/.exec(text);
  receiptIds.add(found ? found[1] : pdu.receipted_message_id);
  if (complete()) finish(session);
});
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('error', (error) => {
  console.error('session', error.message);
  process.exit(1);
});
setTimeout(() => finish(session), LIMIT * 1000).unref();
