use std::sync::Arc;

use smpp::command_status::CommandStatus;

use super::id_format::IdFormat;
use super::receipt_plan::ReceiptPlan;
use crate::delay::Delay;

/// One named thing that can become of a message.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How ledger and metrics call it.
    pub name: String,
    /// What the submit is answered with.
    pub answer: Answer,
    /// How late the answer is.
    pub answer_delay: Delay,
    /// What its ids look like.
    pub message_id: Arc<IdFormat>,
    /// The receipt of an accepted message, and of a rejected one that gets one all the same; `None`: it never gets one.
    pub receipt: Option<ReceiptPlan>,
    /// How many of a recipient's attempts it holds for, and the place in the list of the outcome that follows.
    pub then: Option<(u16, usize)>,
}

impl Outcome {
    /// Accepted at once and delivered: what a healthy SMSC does with everything.
    pub fn delivered(defaults: &Defaults) -> Self {
        Self {
            name: "delivered".to_owned(),
            answer: Answer::Status(CommandStatus::ESME_ROK),
            answer_delay: defaults.answer_delay.clone(),
            message_id: Arc::clone(&defaults.message_id),
            receipt: Some(defaults.receipt.clone()),
            then: None,
        }
    }

    /// A submit that is refused before an outcome is dealt.
    pub(crate) fn refusal(name: &str, status: CommandStatus) -> Self {
        let name = name.to_owned();
        Self {
            name,
            answer: Answer::Status(status),
            receipt: None,
            ..Self::delivered(&Defaults::default())
        }
    }

    /// Whether the SMSC takes the message, whatever it says about it.
    pub fn accepts(&self) -> bool {
        match self.answer {
            Answer::Status(status) => status == CommandStatus::ESME_ROK,
            Answer::Silence { accepted } => accepted,
        }
    }
}

/// What an outcome does that says nothing else: `[answer]` and `[receipt]` of a scenario.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// How late answers are.
    pub answer_delay: Delay,
    /// What ids look like.
    pub message_id: Arc<IdFormat>,
    /// The receipt of a delivered message.
    pub receipt: ReceiptPlan,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            answer_delay: Delay::NONE,
            message_id: Arc::default(),
            receipt: ReceiptPlan::default(),
        }
    }
}

/// What a submit is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That status; `ESME_ROK` accepts the message.
    Status(CommandStatus),
    /// Nothing, ever.
    Silence {
        /// Whether the message is taken all the same, and gets its receipt.
        accepted: bool,
    },
}
