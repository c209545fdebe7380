//! The course of a test: sessions, the message, its answers and receipts, goodbye.

use std::time::Duration;

use smpp::command_status::CommandStatus;
use smpp::segment::Segments;
use tokio::time::Instant;

use super::advice;
use super::fields;
use super::report::{MessageReport, Ms, Report, SegmentReport, SessionReport};
use super::session::{self, Opened};
use super::shape;
use crate::bind::{Content, Lone, News, Parcel, ReceiptNews};
use crate::clock::Clock;
use crate::compose::Sender;
use crate::config::{LongReceipts, Smsc};
use crate::dispatch::submissions;
use crate::domain::Recipient;
use crate::outcome::Meanings;

/// How long the answer to our unbind is waited for.
const GOODBYE: Duration = Duration::from_secs(3);

/// What is to be sent.
pub(super) struct Message {
    pub(super) recipient: Recipient,
    pub(super) sender: Sender,
    pub(super) segments: Segments,
}

/// A test under way.
struct Course<'a> {
    smsc: &'a Smsc,
    clock: Clock,
    meanings: Meanings,
    sessions: Vec<Lone>,
    /// Deliveries that came before all answers, which they may be about.
    early: Vec<(Box<Parcel>, Ms)>,
    report: Report,
}

/// Tries an SMSC.
pub(super) async fn run(smsc: &Smsc, message: Option<Message>, wait: Duration, clock: Clock) -> Report {
    let mut report = Report {
        smsc: smsc.name.clone(),
        ..Report::default()
    };
    let meanings = match Meanings::of(smsc) {
        Ok(meanings) => meanings,
        Err(broken) => {
            report.problem = Some(broken.to_string());
            return report;
        }
    };
    let mut course = Course {
        smsc,
        clock,
        meanings,
        sessions: Vec::new(),
        early: Vec::new(),
        report,
    };
    if let Err(problem) = course.all(message, wait).await {
        course.report.problem = Some(problem);
    }
    course.leave().await;
    course.report.suggestions = advice::of(smsc, &course.report);
    course.report
}

impl Course<'_> {
    async fn all(&mut self, message: Option<Message>, wait: Duration) -> Result<(), String> {
        for kind in self.smsc.bind.kinds() {
            let mut report = SessionReport::default();
            let opened = session::open(self.smsc, *kind, self.clock, &mut report).await;
            self.report.sessions.push(report);
            let Opened { lone, given_back } = opened?;
            self.sessions.push(lone);
            self.report.given_back += given_back;
        }
        match message {
            Some(message) => self.send(&message, wait).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, message: &Message, wait: Duration) -> Result<(), String> {
        let count = message.segments.len();
        let segment = |part| SegmentReport {
            receipt_wanted: self.smsc.long_receipts.asks(part, count),
            ..SegmentReport::default()
        };
        self.report.message = Some(MessageReport {
            to: message.recipient.to_string(),
            from: message.sender.text(),
            encoding: message.segments.encoding().name().to_owned(),
            segments: (0..count).map(segment).collect(),
        });
        let begun = self.clock.now();
        let parts = (message.recipient, &message.segments);
        let pdus = submissions(self.smsc, &message.sender, parts, self.clock.unix());
        let mut pdus = (0u8..).zip(pdus);
        let until = self.clock.deadline(self.smsc.response_timeout);
        while self.segments().iter().any(|segment| segment.status.is_none()) {
            // Of a pair the transmitter is the first.
            while let Some(lone) = self
                .sessions
                .first_mut()
                .filter(|lone| lone.in_flight() < self.smsc.window as usize)
            {
                let Some((part, pdu)) = pdus.next() else { break };
                lone.submit(&pdu, part);
            }
            match self.heard(until).await {
                Some(News::Over(ending)) => {
                    return Err(format!("{ending}, before it answered the message: ask the carrier why"));
                }
                Some(news) => self.take(news, message.recipient, begun),
                None => return Err(unanswered(self.smsc)),
            }
        }
        for (parcel, after) in std::mem::take(&mut self.early) {
            self.sort(&parcel, message.recipient, after);
        }
        self.check_answers()?;
        if !self.smsc.bind.kinds().iter().any(|kind| kind.receives()) {
            // Nothing receipts could come to.
            return Ok(());
        }
        let until = self.clock.deadline(wait);
        while !self.is_settled() {
            match self.heard(until).await {
                Some(News::Over(ending)) => {
                    return Err(format!("{ending}, before the receipt came: ask the carrier why"));
                }
                Some(news) => self.take(news, message.recipient, begun),
                None => return Err(self.no_receipt(wait)),
            }
        }
        Ok(())
    }

    /// What any of the sessions has to say next.
    async fn heard(&mut self, until: Instant) -> Option<News> {
        match &mut self.sessions[..] {
            [one, other] => tokio::select! {
                news = one.next(until) => news,
                news = other.next(until) => news,
            },
            [one, ..] => one.next(until).await,
            [] => None,
        }
    }

    fn segments(&mut self) -> &mut [SegmentReport] {
        match &mut self.report.message {
            Some(message) => &mut message.segments,
            None => &mut [],
        }
    }

    fn take(&mut self, news: News, recipient: Recipient, begun: std::time::Instant) {
        match news {
            News::Answered {
                part,
                status,
                id,
                after,
            } => {
                let means = if status == CommandStatus::ESME_ROK {
                    "accepted"
                } else {
                    self.meanings.answer(status).word()
                };
                if let Some(segment) = self.segments().get_mut(usize::from(part)) {
                    segment.status = Some(status.to_string());
                    segment.means = Some(means.to_owned());
                    segment.submit_ms = Some(Ms(after));
                    if status == CommandStatus::ESME_ROK {
                        segment.id_form = Some(shape::of_id(&id));
                        segment.id = Some(String::from_utf8_lossy(&id).into_owned());
                    }
                }
            }
            News::Delivery(parcel) => {
                let after = Ms(self.clock.now() - begun);
                if self.segments().iter().any(|segment| segment.status.is_none()) {
                    self.early.push((parcel, after));
                } else {
                    self.sort(&parcel, recipient, after);
                }
            }
            News::Bound { .. } | News::Refused(_) | News::Alive(_) | News::Over(_) => {}
        }
    }

    /// Takes what is about the message, and gives everything else back.
    fn sort(&mut self, parcel: &Parcel, recipient: Recipient, after: Ms) {
        if self.file(parcel, recipient, after) {
            self.acknowledge(parcel, CommandStatus::ESME_ROK);
        } else {
            self.give_back(parcel);
        }
    }

    fn give_back(&mut self, parcel: &Parcel) {
        self.acknowledge(parcel, CommandStatus::ESME_RX_T_APPN);
        self.report.given_back += 1;
    }

    /// It comes over whichever session receives.
    fn acknowledge(&mut self, parcel: &Parcel, status: CommandStatus) {
        let receives = self.smsc.bind.kinds().iter().position(|kind| kind.receives());
        if let Some(lone) = receives.and_then(|at| self.sessions.get_mut(at)) {
            lone.acknowledge(parcel.ack, status);
        }
    }

    /// Puts a receipt to its segment. `false`: it is about another message.
    fn file(&mut self, parcel: &Parcel, recipient: Recipient, after: Ms) -> bool {
        let Content::Receipt(news) = &parcel.content else {
            return false;
        };
        let place = self
            .segments()
            .iter()
            .position(|segment| fields::is_about(news, segment, recipient));
        let Some(place) = place else { return false };
        let (is_final, means) = self.meaning(news);
        if let Some(segment) = self.segments().get_mut(place) {
            let mut receipt = fields::receipt(parcel, news, recipient, segment.id.as_deref().unwrap_or_default());
            receipt.after_ms = after;
            receipt.is_final = is_final;
            receipt.means = means;
            segment.receipts.push(receipt);
        }
        true
    }

    fn meaning(&self, news: &ReceiptNews) -> (bool, Option<String>) {
        let is_final = self.meanings.is_final(news);
        let means = is_final.then(|| self.meanings.receipt(news).status.code().to_owned());
        (is_final, means)
    }

    fn check_answers(&mut self) -> Result<(), String> {
        let refused = self.segments().iter().find(|segment| segment.id.is_none());
        match refused.and_then(|segment| segment.status.clone().zip(segment.means.clone())) {
            None => Ok(()),
            Some((status, means)) => Err(format!(
                "the message was refused with {status}, which counts as {means}: check sender and recipient, or ask the carrier what \
                 the code means (answers says it otherwise)"
            )),
        }
    }

    fn is_settled(&mut self) -> bool {
        let any = self.smsc.long_receipts == LongReceipts::One;
        let ended = |segment: &SegmentReport| segment.receipts.iter().any(|receipt| receipt.is_final);
        let segments = self.segments();
        let mut wanted = segments.iter().filter(|segment| segment.receipt_wanted);
        if any { wanted.any(ended) } else { wanted.all(ended) }
    }

    fn no_receipt(&mut self, wait: Duration) -> String {
        let segments = self.segments();
        let count = segments.len();
        let lacking = segments
            .iter()
            .filter(|segment| segment.receipt_wanted && segment.receipts.is_empty())
            .count();
        let begun = segments.iter().any(|segment| !segment.receipts.is_empty());
        let what = match (begun, lacking) {
            (false, _) => "no receipt came".to_owned(),
            (true, 0) => "no final receipt came".to_owned(),
            (true, lacking) => format!("{lacking} of {count} segments have no receipt"),
        };
        format!(
            "{what} within {wait:?}: it may come later, or to another session of the account; wait longer (--wait), and ask the \
             carrier whether receipts are switched on"
        )
    }

    /// Unbinds in order.
    async fn leave(&mut self) {
        for (parcel, _) in std::mem::take(&mut self.early) {
            self.give_back(&parcel);
        }
        for mut lone in std::mem::take(&mut self.sessions) {
            lone.unbind();
            let until = self.clock.deadline(GOODBYE);
            while let Some(news) = lone.next(until).await {
                match news {
                    News::Over(_) => break,
                    News::Delivery(parcel) => {
                        lone.acknowledge(parcel.ack, CommandStatus::ESME_RX_T_APPN);
                        self.report.given_back += 1;
                    }
                    News::Bound { .. } | News::Refused(_) | News::Alive(_) | News::Answered { .. } => {}
                }
            }
            lone.close();
        }
    }
}

fn unanswered(smsc: &Smsc) -> String {
    let limit = smsc.response_timeout;
    format!(
        "the message was not answered within {limit:?}, and may have been sent: ask the carrier, or raise response_timeout"
    )
}
