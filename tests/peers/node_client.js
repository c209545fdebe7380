// node-smpp as a client: see README.md for its environment and what it prints.
'use strict';
const smpp = require('smpp');

const { HOST, SYSTEM_ID, PASSWORD } = process.env;
const number = (name) => Number(process.env[name]);
const [PORT, COUNT, WINDOW, FIRST, LIMIT, INBOUND] = ['PORT', 'COUNT', 'WINDOW', 'FIRST', 'LIMIT', 'INBOUND'].map(number);
const ESM_CLASS_RECEIPT = 0x04;

// What was answered, and which receipts belong to it, in whatever order the two come.
const acceptedIds = new Set();
const receiptIds = new Set();
let submitted = 0;
let unanswered = 0;
let refused = 0;
let receipts = 0;
const inbound = [];

const matched = () => [...acceptedIds].filter((id) => receiptIds.has(id)).length;
const answered = () => acceptedIds.size + refused === COUNT;
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
  while (unanswered < WINDOW && submitted < COUNT) {
    unanswered += 1;
    const message = {
      source_addr: 'Clinique', source_addr_ton: 5, source_addr_npi: 0,
      destination_addr: String(FIRST + submitted), dest_addr_ton: 1, dest_addr_npi: 1,
      short_message: 'Votre rendez-vous est confirmé.', registered_delivery: 1,
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

const session = smpp.connect({ host: HOST, port: PORT }, () => {
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
  const text = pdu.short_message && pdu.short_message.message ? String(pdu.short_message.message) : '';
  if ((pdu.esm_class & ESM_CLASS_RECEIPT) === 0) {
    inbound.push(text);
    if (complete()) finish(session);
    return;
  }
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
