use super::*;
use crate::config::Smsc;
use crate::domain::tests::leased;
use crate::domain::{Message, State};

fn decided(attempts: u8, segments: u8, replies: &[Reply], in_doubt: InDoubt) -> Event {
    let message = Message {
        attempts,
        ..leased(1, segments)
    };
    decided_on(&message, replies, (in_doubt, None), UnixMicros(1_000_000))
}

/// With who is asked next.
fn decided_on(
    message: &Message<'_>,
    replies: &[Reply],
    (in_doubt, next): (InDoubt, Option<SmscId>),
    now: UnixMicros,
) -> Event {
    let meanings = Meanings::of(&Smsc::new("n", "a:1", "c")).unwrap();
    let policy = Policy {
        meanings: &meanings,
        in_doubt,
        pause: Duration::from_millis(50),
        retry_for: Duration::from_secs(3_600),
        next,
    };
    let replies: Vec<(u8, Reply)> = (0..).zip(replies.iter().cloned()).collect();
    decide(message, (message.segments, &replies), &policy, now).event
}

fn marks(event: &Event) -> Vec<Mark> {
    let (Event::Accepted(traces)
    | Event::Doubted(traces)
    | Event::Deferred {
        traces: Some(traces), ..
    }) = event
    else {
        return Vec::new();
    };
    traces.segments.iter().map(|trace| trace.mark).collect()
}

fn taken() -> Reply {
    Reply::Accepted(b"id".to_vec())
}

const fn refused(status: CommandStatus) -> Reply {
    Reply::Refused(status)
}

#[test]
fn what_was_taken_of_a_message_whose_time_is_over_is_still_followed() {
    let event = decided(0, 2, &[taken(), Reply::Expired], InDoubt::Hold);
    assert_eq!(marks(&event), [Mark::Taken, Mark::Refused(Status::TransmissionFailed)]);
    let none = decided(0, 1, &[Reply::Expired], InDoubt::Hold);
    assert!(
        matches!(
            none,
            Event::Rejected {
                reason: Reason::Expired,
                ..
            }
        ),
        "{none:?}"
    );
}

#[test]
fn one_segment_goes_where_its_reply_says() {
    for (reply, expected) in [
        (taken(), State::Enroute),
        (Reply::Unsent, State::Deferred),
        (Reply::Lost, State::InDoubt),
        (Reply::Expired, State::Final(Status::TransmissionFailed)),
        (refused(CommandStatus::ESME_RTHROTTLED), State::Deferred),
        (refused(CommandStatus::ESME_RSYSERR), State::Deferred),
        (
            refused(CommandStatus::ESME_RINVDSTADR),
            State::Final(Status::UnknownNumber),
        ),
        (refused(CommandStatus(0x4FF)), State::Final(Status::TransmissionFailed)),
    ] {
        let event = decided(0, 1, std::slice::from_ref(&reply), InDoubt::Hold);
        let transition = leased(1, 1).apply(event, UnixMicros(1)).unwrap();
        assert_eq!(State::Leased.after(transition.step), Ok(expected), "{reply:?}");
    }
}

#[test]
fn throttling_uses_no_attempts_up_and_errors_do() {
    let throttled = decided(8, 1, &[refused(CommandStatus::ESME_RTHROTTLED)], InDoubt::Hold);
    let Event::Deferred { attempts, due, .. } = throttled else {
        panic!()
    };
    assert_eq!((attempts, due), (8, UnixMicros(1_050_000)));
    let last = decided(8, 1, &[refused(CommandStatus::ESME_RSYSERR)], InDoubt::Hold);
    let Event::Rejected { reason, .. } = last else { panic!() };
    assert_eq!(reason, Reason::AttemptsExhausted);
    let first = decided(0, 1, &[refused(CommandStatus::ESME_RSYSERR)], InDoubt::Hold);
    let Event::Deferred { attempts, due, .. } = first else {
        panic!()
    };
    assert_eq!((attempts, due), (1, UnixMicros(4_000_000)));
}

#[test]
fn what_is_refused_as_too_fast_for_long_is_asked_more_rarely_and_ends_when_its_time_is_over() {
    let throttled = [refused(CommandStatus::ESME_RTHROTTLED)];
    let hold = (InDoubt::Hold, None);
    let first = decided_on(&leased(1, 1), &throttled, hold, UnixMicros(1_000_000));
    let deferred = leased(1, 1).apply(first, UnixMicros(1_000_000)).unwrap();
    let (waits, _) = Message::unpack(leased(1, 1).recipient, &deferred.replacement).unwrap();
    let at = |seconds: u64| UnixMicros(seconds * 1_000_000);
    let again = decided_on(&waits, &throttled, hold, at(81));
    let Event::Deferred { due, back, .. } = again else {
        panic!("{again:?}")
    };
    assert_eq!((due, back), (at(91), Back::Refused), "an eighth of 80 s");
    let last = decided_on(&waits, &throttled, hold, at(3_601));
    assert!(
        matches!(
            last,
            Event::Rejected {
                status: Status::TransmissionFailed,
                reason: Reason::AttemptsExhausted,
                code: 0x58,
            }
        ),
        "{last:?}"
    );
}

#[test]
fn what_an_smsc_does_not_take_is_asked_of_the_next_unless_it_has_a_part() {
    let not_here = || refused(CommandStatus::ESME_RINVDSTTON);
    let (next, none) = ((InDoubt::Hold, Some(SmscId(2))), (InDoubt::Hold, None));
    let now = UnixMicros(1_000_000);
    let elsewhere = Back::Elsewhere(SmscId(2));
    for replies in [
        vec![not_here()],
        vec![not_here(), refused(CommandStatus::ESME_RTHROTTLED)],
        vec![Reply::Unsent, not_here()],
    ] {
        let message = leased(1, replies.len() as u8);
        let event = decided_on(&message, &replies, next, now);
        let is_next = |event: &Event| matches!(event, Event::Deferred { traces: None, back, .. } if *back == elsewhere);
        assert!(is_next(&event), "{replies:?}: {event:?}");
        let event = decided_on(&message, &replies, none, now);
        let ended = |event: &Event| {
            matches!(
                event,
                Event::Rejected {
                    status: Status::NotRouted,
                    ..
                }
            )
        };
        assert!(ended(&event), "{replies:?} and nobody left: {event:?}");
    }
    let part = decided_on(&leased(1, 2), &[taken(), not_here()], next, now);
    assert_eq!(marks(&part), [Mark::Taken, Mark::Refused(Status::NotRouted)]);
    let for_good = [refused(CommandStatus::ESME_RINVDSTADR), not_here()];
    let ended = decided_on(&leased(1, 2), &for_good, next, now);
    assert!(matches!(ended, Event::Rejected { .. }), "{ended:?}");
    let lost = decided_on(&leased(1, 2), &[Reply::Lost, not_here()], next, now);
    assert!(matches!(lost, Event::Doubted(_)), "{lost:?}");
}

#[test]
fn what_meets_a_stopped_account_goes_back_at_once_and_uses_no_attempts_up() {
    let stopped = decided(3, 1, &[refused(CommandStatus::ESME_RINVPASWD)], InDoubt::Hold);
    let Event::Deferred { attempts, due, .. } = stopped else {
        panic!("{stopped:?}")
    };
    assert_eq!((attempts, due), (3, UnixMicros(1_000_000)));
}

#[test]
fn what_may_be_sent_again_is_sent_again_a_few_times_and_stays_in_doubt_then() {
    let first = decided(0, 1, &[Reply::Lost], InDoubt::Resend);
    assert!(matches!(first, Event::Deferred { attempts: 1, .. }), "{first:?}");
    let last = decided(RESENDS_MAX, 1, &[Reply::Lost], InDoubt::Resend);
    assert!(matches!(last, Event::Doubted(_)), "{last:?}");
}

#[test]
fn only_what_was_refused_for_now_goes_again_and_what_was_taken_is_kept() {
    let part = [taken(), refused(CommandStatus::ESME_RSYSERR), Reply::Unsent];
    let event = decided(0, 3, &part, InDoubt::Hold);
    assert_eq!(marks(&event), [Mark::Taken, Mark::Open, Mark::Open]);
    assert!(matches!(event, Event::Deferred { attempts: 1, .. }));
    let none = decided(
        0,
        2,
        &[Reply::Unsent, refused(CommandStatus::ESME_RTHROTTLED)],
        InDoubt::Hold,
    );
    assert!(matches!(none, Event::Deferred { traces: None, .. }));
}

#[test]
fn a_segment_refused_for_good_ends_what_is_not_sent_and_keeps_what_was() {
    let replies = [taken(), refused(CommandStatus::ESME_RINVDSTADR), Reply::Unsent];
    let event = decided(0, 3, &replies, InDoubt::Hold);
    let ended = [
        Mark::Taken,
        Mark::Refused(Status::UnknownNumber),
        Mark::Refused(Status::TransmissionFailed),
    ];
    assert!(matches!(event, Event::Accepted(_)));
    assert_eq!(marks(&event), ended);
    let none = decided(
        0,
        2,
        &[refused(CommandStatus::ESME_RINVDSTADR), Reply::Unsent],
        InDoubt::Hold,
    );
    assert!(matches!(
        none,
        Event::Rejected {
            status: Status::UnknownNumber,
            ..
        }
    ));
}

#[test]
fn a_lost_segment_puts_the_whole_message_in_doubt_and_the_policy_decides() {
    let replies = [taken(), Reply::Lost, Reply::Unsent];
    let held = decided(0, 3, &replies, InDoubt::Hold);
    assert!(matches!(held, Event::Doubted(_)));
    assert_eq!(marks(&held), [Mark::Taken, Mark::Lost, Mark::Open]);
    assert_eq!(
        marks(&decided(0, 3, &replies, InDoubt::Resend)),
        [Mark::Taken, Mark::Open, Mark::Open]
    );
    let failed = decided(0, 1, &[Reply::Lost], InDoubt::Fail);
    assert!(matches!(
        failed,
        Event::Rejected {
            reason: Reason::InDoubt,
            ..
        }
    ));
}

#[test]
fn a_late_answer_resolves_its_segment_and_with_the_last_the_message() {
    let meanings = Meanings::of(&Smsc::new("n", "a:1", "c")).unwrap();
    let policy = Policy {
        meanings: &meanings,
        in_doubt: InDoubt::Hold,
        pause: Duration::ZERO,
        retry_for: Duration::MAX,
        next: None,
    };
    let doubted = leased(1, 2)
        .apply(decided(0, 2, &[Reply::Lost, Reply::Lost], InDoubt::Hold), UnixMicros(1))
        .unwrap();
    let (doubtful, _) = Message::unpack(leased(1, 2).recipient, &doubted.replacement).unwrap();
    let first = late(&doubtful, (1, &taken()), &policy, UnixMicros(2)).unwrap();
    assert!(matches!(first, Event::Learned(_)));
    let learned = doubtful.apply(first, UnixMicros(2)).unwrap();
    let (doubtful, _) = Message::unpack(leased(1, 2).recipient, &learned.replacement).unwrap();
    assert_eq!(doubtful.state, State::InDoubt);
    assert_eq!(
        late(&doubtful, (1, &taken()), &policy, UnixMicros(3)),
        None,
        "the same again"
    );
    let last = late(&doubtful, (0, &taken()), &policy, UnixMicros(3)).unwrap();
    assert!(matches!(last, Event::Accepted(_)));
}
