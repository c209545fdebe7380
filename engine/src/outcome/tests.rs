use std::sync::Arc;

use super::*;
use crate::bind::Lease;
use crate::config::Smsc;
use crate::domain::{CampaignId, Entry, MessageId, Partition, Recipient, SmscId, TenantId};

fn flight(attempts: u8, segments: u8) -> Flight {
    let entry = Entry {
        recipient: Recipient(33_612_345_678),
        id: MessageId::new(CampaignId(1), Partition(0), 16, 0),
        tenant: TenantId(1),
        smsc: SmscId(1),
        segments,
        credits: segments,
        lane: 1,
        body: b"",
    };
    let mut message = vec![b'L', 0, 0, 0, 1, attempts];
    entry.pack(&mut message);
    Flight {
        message,
        id: entry.id,
        recipient: entry.recipient,
        tenant: entry.tenant,
        segments,
        credits: segments,
        attempts,
        leased_at: 0,
        lease: Arc::new(Lease { epoch: 1 }),
    }
}

fn event(flight: &Flight, replies: &[Reply], in_doubt: InDoubt) -> (Event, Move) {
    let meanings = Meanings::of(&Smsc::new("n", "a:1", "c")).unwrap();
    let policy = Policy {
        meanings: &meanings,
        in_doubt,
        pause_us: 50_000,
    };
    let decision = decide(flight, replies, &policy, 1_000_000).unwrap();
    (decision.event, decision.action)
}

#[test]
fn one_segment_goes_where_its_reply_says() {
    let refused = |status| Reply::Refused(status);
    for (reply, expected) in [
        (Reply::Accepted(b"id".to_vec()), Event::Accept),
        (Reply::Unsent, Event::Release),
        (Reply::Lost, Event::Doubt),
        (refused(CommandStatus::ESME_RTHROTTLED), Event::Defer),
        (refused(CommandStatus::ESME_RSYSERR), Event::Defer),
        (
            refused(CommandStatus::ESME_RINVDSTADR),
            Event::Reject(Status::UnknownNumber),
        ),
        (refused(CommandStatus(0x4FF)), Event::Reject(Status::TransmissionFailed)),
    ] {
        let (event, action) = event(&flight(0, 1), std::slice::from_ref(&reply), InDoubt::Hold);
        assert_eq!(event, expected, "{reply:?}");
        // What the decision says is a move that the table of states knows.
        let next = State::Leased.after(event).unwrap();
        assert_eq!(action.replacement.first().copied(), next.letter());
    }
}

#[test]
fn throttling_uses_no_attempts_up_and_errors_do() {
    let throttled = [Reply::Refused(CommandStatus::ESME_RTHROTTLED)];
    let failing = [Reply::Refused(CommandStatus::ESME_RSYSERR)];
    assert_eq!(
        event(&flight(ATTEMPTS_MAX, 1), &throttled, InDoubt::Hold).0,
        Event::Defer
    );
    let (last, action) = event(&flight(ATTEMPTS_MAX, 1), &failing, InDoubt::Hold);
    assert_eq!(last, Event::Reject(Status::TransmissionFailed));
    assert_eq!(action.result.unwrap().reason, Reason::AttemptsExhausted);
    let (_, first) = event(&flight(0, 1), &failing, InDoubt::Hold);
    assert_eq!((first.due, first.replacement[5]), (Some(1_000_000 + RETRY_FIRST_US), 1));
}

#[test]
fn a_lost_segment_puts_the_whole_message_in_doubt_and_the_policy_decides() {
    let replies = [Reply::Accepted(b"a".to_vec()), Reply::Lost, Reply::Unsent];
    assert_eq!(event(&flight(0, 3), &replies, InDoubt::Hold).0, Event::Doubt);
    assert_eq!(event(&flight(0, 3), &replies, InDoubt::Resend).0, Event::Release);
    let (failed, action) = event(&flight(0, 3), &replies, InDoubt::Fail);
    assert_eq!(failed, Event::Reject(Status::TransmissionFailed));
    assert_eq!(action.counts, Some(Letter(b'f')));
}

#[test]
fn all_segments_accepted_keep_their_ids_in_order() {
    let replies = [Reply::Accepted(b"a".to_vec()), Reply::Accepted(Vec::new())];
    let (_, action) = event(&flight(0, 2), &replies, InDoubt::Hold);
    let message = Message::unpack(&action.replacement).unwrap();
    let ids: Vec<_> = Enroute::unpack(message.entry.body).unwrap().segments;
    assert_eq!(
        (ids[0].smsc_message_id.as_slice(), ids[1].smsc_message_id.as_slice()),
        (&b"a"[..], &b""[..])
    );
}
