//! Chance that is no chance: every draw is a hash of what it is about, so that the same seed gives the same outcome to
//! the same (recipient, attempt) whatever else happens at the same time.

use kit::random::{mix, unit};

/// What a draw is for: two draws about the same message must not be the same number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    /// Which of the weighted outcomes.
    Outcome = 1,
    /// How late the answer.
    AnswerDelay,
    /// How late the receipt.
    ReceiptDelay,
    /// The share that is not answered.
    NoAnswer,
    /// The share that is lost.
    Lost,
    /// The share whose receipt comes first.
    ReceiptFirst,
    /// The share whose receipt comes twice.
    ReceiptTwice,
    /// The order of the deck of quotas.
    Deck,
    /// What a message's id is written from.
    Id,
    /// The share that is refused.
    Refuse,
    /// The share that is answered late.
    Late,
    /// Which fault an answer has.
    AnswerFault,
    /// The share that a malformed PDU comes before.
    Malformed,
    /// Which kind of malformed PDU.
    MalformedKind,
    /// What happens to a connection or a bind.
    Event,
    /// The share whose receipt is overtaken by later ones.
    ReceiptLate,
    /// How much later.
    ReceiptLateBy,
    /// Whether somebody replies.
    Reply,
    /// Which of its texts a reply has.
    ReplyText,
    /// How late a reply is.
    ReplyDelay,
    /// Whether a person is one of those who reply by a rule; the attempt is the rule's place in its scenario.
    Person,
}

/// What draws are made about: one submit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// The scenario's seed.
    pub seed: u64,
    /// The recipient: what its number identifies it by.
    pub recipient: u64,
    /// Which message to that recipient: 1 is the first.
    pub attempt: u16,
    /// Which segment of it: 1 is the first.
    pub part: u8,
}

impl Subject {
    /// 64 even bits for that purpose.
    pub(crate) fn draw(&self, draw: Draw) -> u64 {
        let place = u64::from(self.attempt) << 16 | u64::from(self.part) << 8 | draw as u64;
        mix(mix(mix(self.seed) ^ self.recipient) ^ place)
    }

    /// Whether the subject falls into that share (0 to 1) of all.
    pub(crate) fn falls_into(&self, share: f64, draw: Draw) -> bool {
        share > 0.0 && unit(self.draw(draw)) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeat() {
        let subject = |recipient| Subject {
            seed: 7,
            recipient,
            attempt: 1,
            part: 1,
        };
        let hits = (0..100_000u64)
            .filter(|&r| subject(33_600_000_000 + r).falls_into(0.25, Draw::NoAnswer))
            .count();
        assert!(
            (24_000..26_000).contains(&hits),
            "{hits} of 100,000 fell into a quarter"
        );
        assert_eq!(subject(1).draw(Draw::Outcome), subject(1).draw(Draw::Outcome));
        assert_ne!(subject(1).draw(Draw::Outcome), subject(1).draw(Draw::Lost));
        assert_ne!(subject(1).draw(Draw::Outcome), subject(2).draw(Draw::Outcome));
        assert!(!subject(1).falls_into(0.0, Draw::Lost) && subject(1).falls_into(1.0, Draw::Lost));
    }
}
