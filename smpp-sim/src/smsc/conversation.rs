use kit::random::{mix, unit};
use smpp::text::decode;

use super::Smsc;
use super::account::Progress;
use super::inbound::NewInbound;
use super::job::{Job, JobKind};
use super::session::Turn;
use crate::ledger::Row;
use crate::model::{InboundRule, Reply, Script, Stat, Trigger};
use crate::random::{Draw, Subject};

/// Messages that a script sends in one turn at most: the sessions of others have theirs in between.
const SCRIPTED_AT_ONCE: u64 = 1_000;

/// When a script looks again that could not send, because as many messages as are remembered wait for clients.
const LOOK_AGAIN_US: u64 = 10_000;

impl Smsc {
    /// A message may be replied to, once it has reached its recipient: by the first rule whose pattern it matches. Of a
    /// message in several segments the first one counts. All of it depends on (seed, recipient, attempt) alone.
    pub(super) fn hear(&mut self, turn: &mut Turn<'_>, place: u32, text: &[u8]) {
        let Some(&row) = self.ledger.row(place).filter(|row| row.accepted && row.part <= 1) else {
            return;
        };
        let Some(reached_us) = row.final_at_us().filter(|_| self.has_reached(&row)) else {
            return;
        };
        let text = decode(text, row.text.data_coding);
        let subject = Subject {
            seed: self.scenario.seed,
            recipient: self.numbers.identity(row.recipient),
            attempt: row.attempt,
            part: 0,
        };
        let account = usize::from(row.account);
        let rules = self.rules.iter().enumerate().skip(self.first_rule);
        let fitting = rules
            .filter(|(_, rule)| self.is_of(account, rule))
            .find_map(|(at, rule)| replies(rule, &text).map(|reply| (at, rule, reply)));
        let Some((at, rule, reply)) = fitting else { return };
        if !subject.falls_into(reply.probability, Draw::Reply) {
            return;
        }
        let choice = choice(rule, subject.draw(Draw::ReplyText));
        let delay_us = self.scenario.scaled_us(&reply.delay, subject.draw(Draw::ReplyDelay));
        let job = Job {
            kind: JobKind::Reply,
            row: place,
            sequence: (at as u32) << 8 | choice as u32,
            tries: 0,
        };
        // Never in this turn: what is due by now would count as a delivery that is ready.
        self.post(turn, (reached_us + delay_us).max(turn.now_us + 1), job);
    }

    /// Whether the message is one that its recipient gets to read.
    fn has_reached(&self, row: &Row) -> bool {
        let plan = &self.outcomes[usize::from(row.outcome)].receipt;
        let plan = plan.as_ref().filter(|_| !row.expires());
        plan.is_some_and(|plan| match plan.stat {
            Stat::Delivrd | Stat::Acceptd => true,
            Stat::Enroute | Stat::Expired | Stat::Deleted | Stat::Undeliv | Stat::Unknown | Stat::Rejectd => false,
        })
    }

    fn is_of(&self, account: usize, rule: &InboundRule) -> bool {
        rule.account.as_ref().is_none_or(|name| *name == self.names[account])
    }

    /// A reply is due. One that there is no room for is dropped, and counted.
    pub(super) fn speak(&mut self, turn: &mut Turn<'_>, job: Job) {
        let (at, choice) = (job.sequence >> 8, (job.sequence & 0xFF) as usize);
        let rule = self.rules.get(at as usize);
        let (Some(rule), Some(row)) = (rule, self.ledger.row(job.row)) else {
            return;
        };
        if row.is_deleted() {
            return; // it has never been read
        }
        let Some((text, _)) = rule.texts.get(choice) else {
            return;
        };
        let [ton, npi, from_ton, from_npi] = row.plans;
        let to = rule.to.clone().map(|to| (to, None));
        let new = NewInbound {
            account: usize::from(row.account),
            from: (self.numbers.text(row.recipient), Some([from_ton, from_npi])),
            to: to.unwrap_or_else(|| (self.numbers.text(row.source), Some([ton, npi]))),
            text: text.clone(),
            form: rule.form,
            header: Vec::new(),
        };
        match self.remember(new) {
            Ok((place, jobs)) => Self::make_ready(turn, place, jobs),
            Err(_) => self.ledger.counters.inbound_dropped += 1,
        }
    }

    /// Takes the rules of the scenario in, and lets its scripts begin.
    pub(super) fn take_rules(&mut self) {
        self.first_rule = self.rules.len();
        self.rules.extend(self.base.inbound.iter().cloned());
        self.converses = self.base.converses();
        self.scripts = self.scripts.wrapping_add(1);
    }

    fn make_ready(turn: &mut Turn<'_>, place: u32, jobs: u32) {
        let job = |sequence| Job {
            kind: JobKind::Inbound,
            row: place,
            sequence,
            tries: 0,
        };
        turn.session.ready.extend((0..jobs).map(job));
    }

    /// Begins the scripts of an account with its first session that receives: again after every reset and switch.
    pub(super) fn begin_scripts(&mut self, turn: &mut Turn<'_>) {
        let Some(account) = turn.session.receiving() else {
            return;
        };
        if self.accounts[account].scripted == self.scripts {
            return;
        }
        self.accounts[account].scripted = self.scripts;
        self.accounts[account].progress.clear();
        for at in self.first_rule..self.rules.len() {
            let Trigger::Script(script) = &self.rules[at].trigger else {
                continue;
            };
            if !self.is_of(account, &self.rules[at]) {
                continue;
            }
            let began_us = turn.now_us + self.scenario.scaled(script.at);
            let rule = at as u32;
            let progress = &mut self.accounts[account].progress;
            let sequence = progress.len() as u32;
            progress.push(Progress {
                rule,
                began_us,
                sent: 0,
            });
            let job = Job {
                kind: JobKind::Script,
                row: rule,
                sequence,
                tries: 0,
            };
            turn.session.schedule.push(began_us, job);
        }
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
        let rule = self.rules.get(job.row as usize).cloned();
        // Of another scenario, by now.
        let (Some(mut progress), Some(rule)) = (progress.filter(|progress| progress.rule == job.row), rule) else {
            return;
        };
        let Trigger::Script(script) = &rule.trigger else { return };
        let due = script.due(turn.now_us.saturating_sub(progress.began_us));
        let until = due.min(progress.sent + SCRIPTED_AT_ONCE);
        let mut next_us = turn.now_us;
        while progress.sent < until {
            let Ok((place, jobs)) = self.remember(self.scripted(account, &rule, (script, progress.sent))) else {
                next_us += LOOK_AGAIN_US;
                break;
            };
            Self::make_ready(turn, place, jobs);
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
        let bits = mix(mix(self.scenario.seed ^ Draw::ReplyText as u64) ^ n);
        let text = rule.texts.get(choice(rule, bits)).map(|(text, _)| text.clone());
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

fn replies<'a>(rule: &'a InboundRule, text: &str) -> Option<&'a Reply> {
    match &rule.trigger {
        Trigger::Reply(reply) => Some(reply).filter(|reply| reply.on.as_ref().is_none_or(|on| on.is_match(text))),
        Trigger::Script(_) => None,
    }
}

/// Which of its texts, by weight.
fn choice(rule: &InboundRule, bits: u64) -> usize {
    let total = rule.texts.last().map_or(0.0, |(_, until)| *until);
    let point = unit(bits) * total;
    let place = rule.texts.partition_point(|(_, until)| *until <= point);
    place.min(rule.texts.len().saturating_sub(1))
}
