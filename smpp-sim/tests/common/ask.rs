//! What a client asks an SMSC, and how it reads the answers.

use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    BindKind, CancelSm, CommandId, PDU_LENGTH_MAX, Pdu, QuerySm, QuerySmResp, Raw, ReplaceSm, Sm, split,
};
use smpp_sim::Running;

use super::{Client, pdus};

pub const OTHER: Address<'static> = Address {
    ton: 5,
    npi: 0,
    digits: b"OTHER",
};
pub const NOBODY: Address<'static> = Address {
    ton: 0,
    npi: 0,
    digits: b"",
};

/// Receipts that come long after the test has ended, unless something brings them earlier.
pub const LATE: &str = "[receipt]\ndelay = \"1h\"\nform = \"text\"\n";

pub fn raw(octets: &[u8]) -> Raw<'_> {
    split(octets, PDU_LENGTH_MAX).unwrap().unwrap()
}

pub fn message(text: &[u8]) -> Sm<'_> {
    pdus::message("33612345678", text)
}

pub async fn transceiver(running: &Running) -> Client {
    Client::bound(running.smpp_addr, BindKind::Transceiver).await
}

/// The id of a message that was accepted.
pub async fn submit(client: &mut Client, sm: &Sm<'_>) -> Vec<u8> {
    client.queue_with(|out| sm.encode_submit(out, 2));
    let answer = client.ask_for().await;
    let Pdu::SubmitSmResp(response) = raw(&answer).decode().unwrap() else {
        panic!("no answer to a submit")
    };
    assert_eq!(raw(&answer).header.command_status, CommandStatus::ESME_ROK);
    response.message_id.to_vec()
}

pub async fn status(client: &mut Client, command: CommandId) -> CommandStatus {
    let answer = client.ask_for().await;
    let header = raw(&answer).header;
    assert_eq!((header.command_id, header.length), (command, 16));
    header.command_status
}

pub async fn query(client: &mut Client, message_id: &[u8], source: Address<'_>) -> (CommandStatus, u8, String, u8) {
    client.queue_with(|out| QuerySm { message_id, source }.encode(out, 3).unwrap());
    let answer = client.ask_for().await;
    let response = QuerySmResp::decode(&raw(&answer)).unwrap();
    let date = String::from_utf8(response.final_date.to_vec()).unwrap();
    let status = raw(&answer).header.command_status;
    (status, response.message_state, date, response.error_code)
}

pub async fn cancel(client: &mut Client, cancel: CancelSm<'_>) -> CommandStatus {
    client.queue_with(|out| cancel.encode(out, 4).unwrap());
    status(client, CommandId::CANCEL_SM_RESP).await
}

pub async fn replace(client: &mut Client, replace: ReplaceSm<'_>) -> CommandStatus {
    client.queue_with(|out| replace.encode(out, 5).unwrap());
    status(client, CommandId::REPLACE_SM_RESP).await
}

/// The text of the receipt that comes next, which is acknowledged.
pub async fn receipt(client: &mut Client) -> String {
    let receipt = client.receive().await.unwrap();
    assert_eq!((receipt.command, receipt.esm_class), (CommandId::DELIVER_SM, 4));
    client.queue_acknowledgement(receipt.sequence);
    client.flush().await;
    String::from_utf8(receipt.text).unwrap()
}
