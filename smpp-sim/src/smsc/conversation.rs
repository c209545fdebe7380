//! People who write to the clients: in reply to messages that have reached them, and as scripts say.

use kit::random::mix;
use regex::Regex;
use smpp::frame::Sm;
use smpp::part;
use smpp::text::read;

use super::Smsc;
use super::account::Progress;
use super::fields::bare;
use super::inbox::NewInbound;
use super::job::{Job, JobKind};
use super::session::Turn;
use crate::ledger::Row;
use crate::model::{InboundRule, InboundSessions, Reply, Script, Stat, Trigger};
use crate::number::Number;
use crate::random::{Draw, Subject};

/// Messages that a script sends in one turn at most: the sessions of others have theirs in between.
const SCRIPTED_AT_ONCE: u64 = 1_000;

/// When a script looks again that could not send, because as many messages as are remembered wait for clients.
const LOOK_AGAIN_US: u64 = 10_000;

impl Smsc {
    /// A message may be replied to, once it has reached its recipient: by the first rule that fits. Of a message in several
    /// segments the first one counts. All of it depends on (seed, recipient, attempt), and on what a person has replied before.
    pub(super) fn hear(&mut self, turn: &mut Turn<'_>, place: u32, sm: &Sm<'_>) {
        let Some(&row) = self
            .records
            .ledger
            .row(place)
            .filter(|row| row.accepted && row.part <= 1)
        else {
            return;
        };
        let Some(reached_us) = row.final_at_us().filter(|_| self.has_reached(&row)) else {
            return;
        };
        let text = read((part::header(sm), bare(sm)), row.text.data_coding, row.alphabet());
        let subject = Subject {
            seed: self.course.scenario.seed,
            recipient: self.records.numbers.identity(row.recipient),
            attempt: row.attempt,
            part: 0,
        };
        let Some((at, reply)) = self.fitting(&row, &subject, &text) else {
            return;
        };
        let Some(rule) = self.conversations.rule(at as u32) else {
            return;
        };
        if !subject.falls_into(reply.probability, Draw::Reply) {
            return;
        }
        let text_at = rule.text_for(subject.draw(Draw::ReplyText));
        let delay_us = self
            .course
            .scenario
            .scaled_us(&reply.delay, subject.draw(Draw::ReplyDelay));
        let template = rule.texts.get(text_at).filter(|_| reply.quotes);
        let quoted = template.map(|(template, _)| quote(reply.on.as_ref(), template, &text));
        if reply.times.is_some() {
            self.conversations.count_time(at, subject.recipient);
        }
        if quoted.is_some_and(|quoted| !self.conversations.keep_quote(place, quoted)) {
            self.records.ledger.counters.inbound_dropped += 1;
            return;
        }
        let job = Job {
            kind: JobKind::Reply,
            row: place,
            sequence: (at as u32) << 8 | text_at as u32,
            tries: 0,
        };
        self.conversations.count_due();
        // Never in this turn: what is due by now would count as a delivery that is ready.
        self.post(turn, (reached_us + delay_us).max(turn.now_us + 1), job);
    }

    /// The first rule that fits a message, with its place.
    fn fitting(&self, row: &Row, subject: &Subject, text: &str) -> Option<(usize, &Reply)> {
        let conversations = &self.conversations;
        let number = |wanted: Option<&Regex>, number: Number| {
            wanted.is_none_or(|wanted| wanted.is_match(&self.records.numbers.text(number)))
        };
        let fits = |at: usize, reply: &Reply| {
            let person = Subject {
                attempt: conversations.place_in_scenario(at),
                ..*subject
            };
            let is_asked = reply.on.as_ref().is_none_or(|on| on.is_match(text));
            is_asked
                && number(reply.sender.as_ref(), row.source)
                && number(reply.person.as_ref(), row.recipient)
                && person.falls_into(reply.share, Draw::Person)
                && reply
                    .times
                    .is_none_or(|times| conversations.times(at, subject.recipient) < times)
        };
        let account = &self.accounts.names()[usize::from(row.account)];
        conversations
            .rules_of(account)
            .filter_map(|(at, rule)| rule.reply().map(|reply| (at, reply)))
            .find(|&(at, reply)| fits(at, reply))
    }

    /// Whether the message is one that its recipient gets to read.
    fn has_reached(&self, row: &Row) -> bool {
        let plan = self.records.receipt(row).filter(|_| !row.expires());
        plan.is_some_and(|plan| match plan.stat {
            Stat::Delivrd | Stat::Acceptd => true,
            Stat::Enroute | Stat::Expired | Stat::Deleted | Stat::Undeliv | Stat::Unknown | Stat::Rejectd => false,
        })
    }

    /// A reply is due. One that there is no room for is dropped, and counted.
    pub(super) fn speak(&mut self, turn: &mut Turn<'_>, job: Job) {
        let (at, text_at) = (job.sequence >> 8, (job.sequence & 0xFF) as usize);
        self.conversations.is_due();
        let quoted = self.conversations.take_quote(job.row);
        let rule = self.conversations.rule(at);
        let (Some(rule), Some(row)) = (rule, self.records.ledger.row(job.row)) else {
            return;
        };
        if row.is_deleted() {
            return; // it has never been read
        }
        let Some((text, _)) = rule.texts.get(text_at) else {
            return;
        };
        let [ton, npi, from_ton, from_npi] = row.ton_npi;
        let to = rule.to.clone().map(|to| (to, None));
        let new = NewInbound {
            account: usize::from(row.account),
            from: (self.records.numbers.text(row.recipient), Some([from_ton, from_npi])),
            to: to.unwrap_or_else(|| (self.records.numbers.text(row.source), Some([ton, npi]))),
            text: quoted.unwrap_or_else(|| text.clone()),
            form: rule.form,
            header: Vec::new(),
        };
        let account = usize::from(row.account);
        match self.inbox.remember(new) {
            Ok(written) => {
                self.conversations.count_reply(at);
                self.make_ready(turn, account, written);
            }
            Err(_) => self.records.ledger.counters.inbound_dropped += 1,
        }
    }

    /// The segments of a message that was just written down go over this session, or every other one over another.
    fn make_ready(&mut self, turn: &mut Turn<'_>, account: usize, (place, jobs): (u32, u32)) {
        let spread = self.inbox.sessions(place) == InboundSessions::Turns && self.has_receiver(account);
        for sequence in 0..jobs {
            let job = Job {
                kind: JobKind::Inbound,
                row: place,
                sequence,
                tries: 0,
            };
            if spread && sequence % 2 == 1 {
                self.post_to_account(account, turn.now_us, job);
            } else {
                turn.session.ready.push_back(job);
            }
        }
    }

    /// Begins the scripts of an account with its first session that receives: again after every reset and switch.
    pub(super) fn begin_scripts(&mut self, turn: &mut Turn<'_>) {
        let Some(account) = turn.session.receiving() else {
            return;
        };
        let round = self.conversations.round();
        if self.accounts[account].scripted == round {
            return;
        }
        let mut progress = Vec::new();
        for (at, rule) in self.conversations.rules_of(&self.accounts.names()[account]) {
            let Trigger::Script(script) = &rule.trigger else {
                continue;
            };
            let began_us = turn.now_us + self.course.scenario.scaled(script.at);
            let rule = at as u32;
            let job = Job {
                kind: JobKind::Script,
                row: rule,
                sequence: progress.len() as u32,
                tries: 0,
            };
            progress.push(Progress {
                rule,
                began_us,
                sent: 0,
            });
            turn.session.schedule.push(began_us, job);
        }
        let account = &mut self.accounts[account];
        (account.scripted, account.progress) = (round, progress);
    }

    /// A script's time has come: sends what is due by now, and comes back for the rest.
    pub(super) fn act(&mut self, turn: &mut Turn<'_>, job: Job) {
        let Some((account, _)) = turn.session.bound() else {
            return;
        };
        if turn.session.receiving().is_none() {
            return self.post_to_account(account, turn.now_us, job);
        }
        let progress = self.accounts[account].progress.get(job.sequence as usize).copied();
        let rule = self.conversations.rule(job.row).cloned();
        // Of another scenario, by now.
        let (Some(mut progress), Some(rule)) = (progress.filter(|progress| progress.rule == job.row), rule) else {
            return;
        };
        let Trigger::Script(script) = &rule.trigger else { return };
        let due = script.due(turn.now_us.saturating_sub(progress.began_us));
        let until = due.min(progress.sent + SCRIPTED_AT_ONCE);
        let mut next_us = turn.now_us;
        while progress.sent < until {
            let Ok(written) = self
                .inbox
                .remember(self.scripted(account, &rule, (script, progress.sent)))
            else {
                next_us += LOOK_AGAIN_US;
                break;
            };
            self.make_ready(turn, account, written);
            progress.sent += 1;
        }
        if progress.sent < script.repeat {
            next_us = next_us.max(progress.began_us + script.time_of(progress.sent));
            turn.session.schedule.push(next_us, job);
        }
        if let Some(kept) = self.accounts[account].progress.get_mut(job.sequence as usize) {
            *kept = progress;
        }
    }

    /// The n-th message of a script.
    fn scripted(&self, account: usize, rule: &InboundRule, (script, n): (&Script, u64)) -> NewInbound {
        let from = match script.from.parse::<u64>() {
            Ok(first) if script.senders > 1 => (first + n % script.senders).to_string(),
            Ok(_) | Err(_) => script.from.clone(),
        };
        let bits = mix(mix(self.course.scenario.seed ^ Draw::ReplyText as u64) ^ n);
        let text = rule.texts.get(rule.text_for(bits)).map(|(text, _)| text.clone());
        NewInbound {
            account,
            from: (from, None),
            to: (rule.to.clone().unwrap_or_default(), None),
            text: text.unwrap_or_default(),
            form: rule.form,
            header: Vec::new(),
        }
    }
}

/// What a reply says that quotes the message.
fn quote(on: Option<&Regex>, template: &str, text: &str) -> String {
    let mut said = String::new();
    if let Some(found) = on.and_then(|on| on.captures(text)) {
        found.expand(template, &mut said);
    }
    said
}
