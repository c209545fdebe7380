// node-smpp as a server, plain or over TLS: see README.md for its environment and what it prints.
// Ids are hexadecimal; each message gets its receipt, in text and TLV form, a tenth of a second after its answer.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const { TLS_CERTIFICATE, TLS_KEY, INBOUND_SHORT, INBOUND_LONG, SHORT_CODE } = process.env;
const RECEIPT_DELAY_MS = 100;
const FIRST_ID = 0x10000001;
let nextId = FIRST_ID;

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

function receiptDate(date) {
  return date.toISOString().replace(/[-T:]/g, '').slice(2, 12);
}

function sendReceipt(session, submit, id) {
  const date = receiptDate(new Date());
  const text = `id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date} stat:DELIVRD err:000 text:`;
  const receipt = {
    esm_class: 0x04,
    source_addr: submit.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: submit.source_addr,
    short_message: { message: Buffer.from(text) },
    receipted_message_id: id,
    message_state: 2,
  };
  session.deliver_sm(receipt, (answer) => {
    if (answer.command_status === 0) say({ event: 'receipt_acked', id });
  });
}

// What the person who had the first message writes back: one segment, then several, which the library encodes.
function sendInbound(session, person) {
  const envelope = { source_addr: person, source_addr_ton: 1, source_addr_npi: 1, destination_addr: SHORT_CODE };
  session.deliver_sm({ ...envelope, short_message: INBOUND_SHORT });
  const characters = 67;
  const count = Math.ceil(INBOUND_LONG.length / characters);
  for (let part = 1; part <= count; part += 1) {
    const message = INBOUND_LONG.slice((part - 1) * characters, part * characters);
    session.deliver_sm({ ...envelope, data_coding: 8, short_message: { udh: Buffer.from([5, 0, 3, 7, count, part]), message } });
  }
}

function saySubmit(pdu, id) {
  const { udh, message } = pdu.short_message;
  const [reference, segments, part] = udh ? udh[0].subarray(2) : [0, 1, 1];
  say({ event: 'submit', to: pdu.destination_addr, id, text: message, reference, segments, part });
}

const secured = TLS_CERTIFICATE ? { cert: fs.readFileSync(TLS_CERTIFICATE), key: fs.readFileSync(TLS_KEY) } : {};
const server = smpp.createServer(secured, (session) => {
  const accept = (pdu) => session.send(pdu.response({ system_id: 'node-smpp' }));
  for (const bind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) session.on(bind, accept);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    const number = nextId;
    nextId += 1;
    const id = number.toString(16);
    saySubmit(pdu, id);
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery & 1) setTimeout(() => sendReceipt(session, pdu, id), RECEIPT_DELAY_MS);
    if (number === FIRST_ID) sendInbound(session, pdu.destination_addr);
  });
  // A client that goes away in mid-flight is no fault of the server's.
  session.on('error', () => {});
});

server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('LISTENING', server.address().port));
