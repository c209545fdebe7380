//! A message of several segments that was taken in part: only what was refused for now may be submitted again.

use super::{Meaning, Meanings};
use crate::bind::Reply;

/// The segments to submit again, when some were taken and the others may be tried again. `None`: the message is decided
/// as a whole.
pub fn to_resubmit(replies: &[Reply], meanings: &Meanings) -> Option<Vec<u8>> {
    let taken = replies.iter().any(|reply| matches!(reply, Reply::Accepted(_)));
    let again = |reply: &Reply| match reply {
        Reply::Unsent => Some(true),
        Reply::Refused(status) => match meanings.answer(*status) {
            Meaning::Throttled | Meaning::QueueFull | Meaning::Retry => Some(true),
            Meaning::Final(_) => None,
        },
        Reply::Accepted(_) => Some(false),
        Reply::Lost => None,
    };
    let flags: Vec<bool> = replies.iter().map(again).collect::<Option<_>>()?;
    let parts: Vec<u8> = (0u8..)
        .zip(flags)
        .filter(|(_, again)| *again)
        .map(|(part, _)| part)
        .collect();
    (taken && !parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use smpp::command_status::CommandStatus;

    use super::*;
    use crate::config::Smsc;

    #[test]
    fn only_what_was_refused_for_now_goes_again_and_never_with_a_lost_segment() {
        let meanings = Meanings::of(&Smsc::new("n", "a:1", "c")).unwrap();
        let taken = Reply::Accepted(Vec::new());
        let throttled = Reply::Refused(CommandStatus::ESME_RTHROTTLED);
        let refused = Reply::Refused(CommandStatus::ESME_RINVDSTADR);
        for (replies, expected) in [
            (vec![taken.clone(), throttled.clone(), Reply::Unsent], Some(vec![1, 2])),
            (vec![taken.clone(), Reply::Lost, throttled.clone()], None),
            (vec![taken.clone(), refused, throttled.clone()], None),
            (vec![throttled, Reply::Unsent], None),
            (vec![taken.clone(), taken], None),
        ] {
            assert_eq!(to_resubmit(&replies, &meanings), expected, "{replies:?}");
        }
    }
}
