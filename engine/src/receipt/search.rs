//! Which recipients an SMSC's id of a message is about, when an operator asks: slowly, through all that is kept.

use super::Parked;
use crate::domain::{Recipient, Record, SmscId, digest};
use crate::store::{Store, StoreError};

/// Recipients that are looked for: an id that is used again and again says nothing.
const RECIPIENTS_MAX: usize = 20;

/// Records that are read at once.
const STEP: usize = 1_000;

/// Those whose messages under way have that id, whose finished ones had it, or for whom a receipt with it is parked; at most
/// twenty. Finished messages are known by four octets of it, so that a stranger may be among many millions.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn recipients_with(store: &Store, smscs: &[SmscId], id: &str) -> Result<Vec<Recipient>, StoreError> {
    let digests: Vec<[u8; 4]> = smscs.iter().map(|smsc| digest(*smsc, id.as_bytes())).collect();
    let mut found = Vec::new();
    for partition in store.all_partitions() {
        let mut cursor = 0;
        loop {
            let step = store.scan_records(partition, cursor, STEP).await?;
            let about = |(recipient, packed): &&(Recipient, Vec<u8>)| has(*recipient, packed, (id, &digests));
            found.extend(step.entries.iter().filter(about).map(|(recipient, _)| *recipient));
            cursor = step.cursor;
            if cursor == 0 || found.len() >= RECIPIENTS_MAX {
                break;
            }
        }
        loop {
            let step = store.scan_parked(partition, cursor, STEP).await?;
            let names = |packed: &[u8]| {
                Parked::split(packed).any(|(parked, _)| parked.smsc_message_id().as_deref() == Some(id))
            };
            found.extend(
                step.entries
                    .iter()
                    .filter(|(_, packed)| names(packed))
                    .map(|(key, _)| *key),
            );
            cursor = step.cursor;
            if cursor == 0 || found.len() >= RECIPIENTS_MAX {
                break;
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(RECIPIENTS_MAX);
    Ok(found)
}

fn has(recipient: Recipient, packed: &[u8], (id, digests): (&str, &[[u8; 4]])) -> bool {
    let Ok(record) = Record::unpack(recipient, packed) else {
        return false;
    };
    let is_under_way = record.messages.iter().any(|message| {
        let traces = message.traces().unwrap_or_default();
        traces
            .segments
            .iter()
            .any(|trace| trace.smsc_id.eq_ignore_ascii_case(id.as_bytes()))
    });
    is_under_way || digests.iter().any(|digest| record.remembers(*digest))
}
