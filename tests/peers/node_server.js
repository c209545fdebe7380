// node-smpp as a server: see README.md for its environment and what it prints.
// Ids are hexadecimal; each message gets its receipt, in text and TLV form, a tenth of a second after its answer.
'use strict';
const smpp = require('smpp');

const RECEIPT_DELAY_MS = 100;
let lastId = 0x10000000;

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

const server = smpp.createServer((session) => {
  const accept = (pdu) => session.send(pdu.response({ system_id: 'node-smpp' }));
  for (const bind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) session.on(bind, accept);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    lastId += 1;
    const id = lastId.toString(16);
    say({ event: 'submit', to: pdu.destination_addr, id });
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery & 1) setTimeout(() => sendReceipt(session, pdu, id), RECEIPT_DELAY_MS);
  });
  // A client that goes away in mid-flight is no fault of the server's.
  session.on('error', () => {});
});

server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('LISTENING', server.address().port));
