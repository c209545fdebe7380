//! Following what people write: each message gets its place in a conversation, and what is answered, in the change that keeps how far
//! was read.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::decide::{Answered, Case, Decision, Question, decide};
use super::given::Answerer;
use super::kept::Reader;
use super::made::Made;
use super::place::{moved_on, place_at};
use super::reading::Confidence;
use super::threads::{Conversation, SaidState, conversation_of, open_conversation};
use super::{NOBODY, ReplyFault, Shared};
use crate::agenda::EventAnswer;
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{CampaignId, ConversationId, EventId, Purpose, Recipient, TenantId, UnixMicros, shown_address};
use crate::engagement::{self, Engagement, Seen};
use crate::people::{Proof, Source, SourceKind};
use crate::store::{Again, InboundEntry, InboundText};

/// Messages of one tenant in one partition that are read at once.
const READ_MAX: usize = 100;

/// How long is waited when something went wrong.
const REST: Duration = Duration::from_secs(1);

/// Of what was answered by itself, so much is looked at.
const ANSWERED_MAX: i64 = 256;

/// What follows from a message elsewhere; `at`: which of those that are read together.
enum Effect {
    /// Whoever has the number agrees to that.
    OptIn { at: usize, wording: String },
    /// It answers about these events.
    Answer {
        at: usize,
        conversation: ConversationId,
        events: Vec<EventId>,
        answer: (EventAnswer, Confidence),
    },
    /// The tenant's endpoints are told that people should look.
    Tell {
        at: usize,
        conversation: ConversationId,
        made: Made,
    },
}

/// Messages in their places, in a change that is not committed yet.
struct Taken {
    change: Change,
    made: Vec<Made>,
    effects: Vec<Effect>,
    /// Who has answered.
    answered: Vec<Seen>,
}

/// A message and what is known of it.
struct Heard<'a> {
    tenant: TenantId,
    name: &'a str,
    entry: &'a InboundEntry,
    said: InboundText,
    from: Recipient,
    /// Ours, as messages have it for their sender.
    number: String,
    /// What reminders had asked when it came.
    question: Option<Question>,
    /// When the last of them did.
    questioned_at: Option<UnixMicros>,
    /// When they were asked whether they agree to advertising.
    consent_asked_at: Option<UnixMicros>,
}

impl Shared {
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut failed = false;
        loop {
            let mut fault = self.look_everywhere().await.err();
            let tenants = std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner));
            let idle = tenants.is_empty();
            for tenant in tenants {
                match self.read(tenant).await {
                    Ok(more) if more => self.hint(tenant),
                    Ok(_) => {}
                    Err(error) => {
                        self.hint(tenant);
                        fault = Some(error);
                    }
                }
            }
            if let (Some(error), false) = (&fault, failed) {
                tracing::warn!(%error, "what people write cannot be read; it is tried again");
            }
            failed = fault.is_some();
            let rest = async {
                match (failed, idle) {
                    (true, _) => tokio::time::sleep(REST).await,
                    (false, true) => self.bell.notified().await,
                    (false, false) => {}
                }
            };
            if stop.run_until_cancelled(rest).await.is_none() {
                return;
            }
        }
    }

    /// At the start, and when nobody knows to whom something was written, all are looked at. What came before there were replies is not
    /// answered.
    async fn look_everywhere(&self) -> Result<(), ReplyFault> {
        if !self.everywhere.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let looked = async {
            let mut change = self.database.change().await?;
            let mut put = Sql::new("INSERT INTO reply_position (tenant, places) VALUES (");
            put.value(NOBODY.0).push(", ").value(place_at(self.clock.unix()));
            put.push(") ON CONFLICT (tenant) DO NOTHING");
            change.run(put).await?;
            change.commit().await?;
            for tenant in self.store.tenant_ids(0, None).await? {
                self.hint(tenant);
            }
            self.hint(NOBODY);
            Ok(())
        };
        let looked = looked.await;
        if looked.is_err() {
            self.everywhere.store(true, Ordering::Relaxed);
        }
        looked
    }

    /// Reads some of what was written to a tenant. Returns whether there is more.
    async fn read(&self, tenant: TenantId) -> Result<bool, ReplyFault> {
        let (before, mut places) = self.places(tenant).await?;
        let mut found = self.store.inbound_behind(tenant, &places, READ_MAX).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let more = found.len() >= READ_MAX;
        found.sort_by_key(|entry| entry.place);
        for entry in &found {
            places[usize::from(entry.place.partition().0)] = entry.place.id();
        }
        if tenant == NOBODY {
            self.hand_over_all(&found).await?;
        }
        let reader = self.reader(tenant).await?;
        let name = self
            .store
            .tenant(tenant)
            .await?
            .map(|tenant| tenant.name)
            .unwrap_or_default();
        let mut heard = Vec::new();
        if tenant != NOBODY {
            heard.extend(found.iter().filter_map(|entry| self.heard(tenant, &name, entry)));
        }
        for heard in &mut heard {
            let at = UnixMicros(heard.said.at);
            let open = self.agenda.open_questions_at((tenant, heard.from), at).await?;
            heard.question = Question::of(&open, at);
            let last = open.iter().find(|question| question.was_open(at));
            heard.questioned_at = last.map(|last| last.asked_at);
            heard.consent_asked_at = self.agenda.consent_asked_at(tenant, heard.from).await?;
        }
        self.open_all(&heard).await?;
        let moved = (tenant, before.as_deref(), places.join(","));
        let Some(mut taken) = self.take_all(&moved, &heard, &reader).await? else {
            // Another process was faster.
            return Ok(true);
        };
        if !taken.effects.is_empty() {
            // Others write to the database for them. They come first: a crash in between has them twice, and never not at all.
            let effects = std::mem::take(&mut taken.effects);
            drop(taken);
            self.carry_out(&heard, &effects).await?;
            let Some(again) = self.take_all(&moved, &heard, &reader).await? else {
                return Ok(true);
            };
            taken = again;
        }
        taken.change.commit().await?;
        for made in taken.made {
            self.metrics.replies_total.with_label_values(&[made.code()]).inc();
        }
        self.due.notify_one();
        self.asking.notify_one();
        Ok(more)
    }

    /// Gives messages their places, in a change that is not committed yet. `None`: it was read on elsewhere.
    async fn take_all(
        &self,
        (tenant, before, places): &(TenantId, Option<&str>, String),
        heard: &[Heard<'_>],
        reader: &Reader,
    ) -> Result<Option<Taken>, ReplyFault> {
        let mut taken = Taken {
            change: self.database.change_of(*tenant).await?,
            made: Vec::with_capacity(heard.len()),
            effects: Vec::new(),
            answered: Vec::new(),
        };
        if !moved_on(&mut taken.change, *tenant, (*before, places)).await? {
            return Ok(None);
        }
        for (at, one) in heard.iter().enumerate() {
            self.take(&mut taken, (at, one), reader).await?;
        }
        engagement::add(&mut taken.change, &taken.answered).await?;
        Ok(Some(taken))
    }

    /// Each person has a conversation with each number: it has an id from then on.
    async fn open_all(&self, heard: &[Heard<'_>]) -> Result<(), ReplyFault> {
        let mut change = self.database.change().await?;
        for heard in heard {
            let whose = (heard.tenant, heard.from, heard.number.as_str());
            open_conversation(&mut change, whose, UnixMicros(heard.said.at)).await?;
        }
        Ok(change.commit().await?)
    }

    async fn carry_out(&self, heard: &[Heard<'_>], effects: &[Effect]) -> Result<(), ReplyFault> {
        for effect in effects {
            match effect {
                Effect::Answer {
                    at,
                    conversation,
                    events,
                    answer,
                } => {
                    self.answer_events(&heard[*at], (*conversation, events), *answer)
                        .await?
                }
                Effect::OptIn { at, wording } => self.opt_in(&heard[*at], wording).await?,
                Effect::Tell { at, conversation, made } => self.tell(&heard[*at], *conversation, *made).await?,
            }
        }
        Ok(())
    }

    fn heard<'a>(&self, tenant: TenantId, name: &'a str, entry: &'a InboundEntry) -> Option<Heard<'a>> {
        let said = entry.read()?;
        // Whoever has no number cannot be answered: it stands in the list of inbound messages.
        let from = said
            .from
            .trim_start_matches('+')
            .parse()
            .ok()
            .filter(|number| *number != 0)?;
        let owned = self.numbers.find(&said.to);
        let number = owned.map_or_else(|| shown_address(&said.to), |owned| owned.sender.to_string());
        Some(Heard {
            tenant,
            name,
            entry,
            said,
            from: Recipient(from),
            number,
            question: None,
            questioned_at: None,
            consent_asked_at: None,
        })
    }

    /// Where a tenant's messages are read from, as it is kept and by partition.
    async fn places(&self, tenant: TenantId) -> Result<(Option<String>, Vec<String>), DatabaseError> {
        let mut query = Sql::new("SELECT tenant, places FROM reply_position WHERE tenant IN (");
        query.list([tenant.0, NOBODY.0]).push(")");
        let kept = self
            .database
            .rows(query, |row| Ok((row.number(0)?, row.text(1)?)))
            .await?;
        let of = |tenant: TenantId| kept.iter().find(|(whose, _)| *whose == i64::from(tenant.0));
        let count = usize::from(self.store.partitions());
        let begin = of(NOBODY).map_or_else(|| place_at(self.clock.unix()), |(_, places)| places.clone());
        let own = of(tenant).map(|(_, places)| places.clone());
        let mut places: Vec<String> = own.as_ref().unwrap_or(&begin).split(',').map(str::to_owned).collect();
        // Nobody's begin with one place for all.
        let first = places.first().cloned().unwrap_or_default();
        places.resize(count, first);
        Ok((own, places))
    }

    /// Gives a message its place.
    async fn take(
        &self,
        taken: &mut Taken,
        (index, heard): (usize, &Heard<'_>),
        reader: &Reader,
    ) -> Result<(), ReplyFault> {
        let change = &mut taken.change;
        let at = UnixMicros(heard.said.at);
        let whose = (heard.tenant, heard.from, heard.number.as_str());
        let Some(conversation) = conversation_of(change, whose).await? else {
            return Ok(());
        };
        let answered = self.answered(change, &conversation, (heard.tenant, at)).await?;
        let asked = self.asked_now(change, whose, at).await?;
        let mut decision = decide(
            &Case {
                text: &heard.said.text,
                at,
                number: &heard.number,
                ours: self.is_own(heard.tenant, &heard.number),
                opted_out: heard.entry.opted_out,
                stop_confirmed: conversation.stop_confirmed_at.is_some(),
                name: heard.name,
                quiet_until: conversation.quiet_until,
                question: heard.question.as_ref(),
                questioned_at: heard.questioned_at,
                consent_asked_at: heard.consent_asked_at,
                offered: asked.offered.as_ref(),
                surveyed: asked.surveyed.as_ref(),
                answered: &answered,
            },
            reader,
        );
        let Some(id) = self.put(change, (heard, &conversation), &decision).await? else {
            return Ok(());
        };
        let answerer = Answerer {
            whose: (heard.tenant, heard.from),
            conversation: conversation.id,
            at,
            inbound: &heard.entry.place.to_string(),
            text: &heard.said.text,
        };
        self.follow_up(change, (&asked, &answerer), &mut decision).await?;
        self.answer(change, (heard, &conversation, id), &decision).await?;
        note(change, (&conversation, at), (&decision, heard.entry.opted_out)).await?;
        taken.made.push(decision.made);
        taken.answered.extend(answered_by(heard));
        let opts_in = decision.agrees_to().map(|wording| Effect::OptIn {
            at: index,
            wording: wording.to_owned(),
        });
        if let (Some(question), Some(answer), Made::Appointment) =
            (&heard.question, decision.appointment, decision.made)
        {
            taken.effects.push(Effect::Answer {
                at: index,
                conversation: conversation.id,
                events: question.answered_by(answer.0).unwrap_or_default().to_vec(),
                answer,
            });
        }
        let tells = decision.needs_people().then_some(Effect::Tell {
            at: index,
            conversation: conversation.id,
            made: decision.made,
        });
        taken.effects.extend(opts_in.into_iter().chain(tells));
        Ok(())
    }

    /// What was answered by itself within a day, the newest first.
    async fn answered(
        &self,
        change: &mut Change,
        conversation: &Conversation,
        (tenant, at): (TenantId, UnixMicros),
    ) -> Result<Vec<Answered>, ReplyFault> {
        let since = at.minus(Duration::from_secs(
            3_600 * u64::from(super::ReplySettings::ANY_EVERY_MAX),
        ));
        let mut query =
            Sql::new("SELECT at, kind, text FROM conversation_message WHERE inbound IS NULL AND conversation = ");
        query.value(conversation.id.0.cast_signed());
        query.push(" AND answers IS NOT NULL");
        query.push(" AND at > ").value(since.0.cast_signed());
        query.push(" ORDER BY at DESC, id DESC LIMIT ").value(ANSWERED_MAX);
        let rows = change
            .rows(query, |row| Ok((row.number(0)?, row.text(1)?, row.text_if_any(2)?)))
            .await?;
        let mut answered = Vec::with_capacity(rows.len());
        for (position, (at, made, text)) in rows.into_iter().enumerate() {
            answered.push(Answered {
                at: UnixMicros(at.cast_unsigned()),
                to_any: made == Made::Unanswered.code(),
                // Only the last one is compared.
                text: if position == 0 {
                    self.opened(tenant, text).await?
                } else {
                    None
                },
            });
        }
        Ok(answered)
    }

    /// Keeps the message. `None`: it was kept before.
    async fn put(
        &self,
        change: &mut Change,
        (heard, conversation): (&Heard<'_>, &Conversation),
        decision: &Decision<'_>,
    ) -> Result<Option<i64>, ReplyFault> {
        let id = change.numbers("conversation_message", 1).await?;
        let campaign = match heard.entry.campaign {
            Some(campaign) => Some(campaign),
            None => {
                let whose = (heard.tenant, heard.from, heard.number.as_str());
                self.last_campaign(change, whose).await?
            }
        };
        let mut insert = Sql::new(
            "INSERT INTO conversation_message \
             (id, tenant, conversation, inbound, at, text, kind, rule, keyword, confidence, opted_out, opted_in, campaign) VALUES (",
        );
        insert.value(id).push(", ").value(heard.tenant.0);
        insert.push(", ").value(conversation.id.0.cast_signed());
        insert.push(", ").value(heard.entry.place.to_string());
        insert.push(", ").value(heard.said.at.cast_signed());
        insert
            .push(", ")
            .value(self.sealed(heard.tenant, &heard.said.text).await?);
        insert.push(", ").value(decision.made.code());
        insert
            .push(", ")
            .value(decision.rule.map(|(reply, _)| reply.id.0.cast_signed()));
        let keyword = decision
            .rule
            .and_then(|(reply, _)| reply.rule.keyword_of(&heard.said.text));
        insert.push(", ").value(keyword.map(str::to_owned));
        let by_rule = decision.rule.map(|(_, confidence)| confidence);
        let confidence = by_rule
            .or(decision.appointment.map(|(_, confidence)| confidence))
            .or(decision.offer.map(|(_, confidence)| confidence))
            .or(decision.survey.map(|(_, confidence)| confidence));
        insert.push(", ").value(confidence.map(i64::from));
        insert.push(", ").value(i64::from(heard.entry.opted_out));
        insert.push(", ").value(i64::from(decision.agrees_to().is_some()));
        insert.push(", ").value(campaign.map(|CampaignId(id)| id.cast_signed()));
        insert.push(") ON CONFLICT (tenant, inbound) DO NOTHING");
        Ok((change.run(insert).await? == 1).then_some(id))
    }

    /// Keeps what is answered, to be sent.
    async fn answer(
        &self,
        change: &mut Change,
        (heard, conversation, id): (&Heard<'_>, &Conversation, i64),
        decision: &Decision<'_>,
    ) -> Result<(), ReplyFault> {
        let asks = decision.rule.is_some_and(|(reply, _)| reply.rule.ask.is_some());
        let asks = asks && matches!(decision.made, Made::Rule | Made::Unanswered);
        if decision.text.is_none() && !asks {
            return Ok(());
        }
        let text = match &decision.text {
            Some(text) => Some(self.sealed(heard.tenant, text).await?),
            None => None,
        };
        let state = if asks { SaidState::Asking } else { SaidState::Due };
        let delay = decision.rule.map_or(0, |(reply, _)| reply.rule.delay);
        let due = UnixMicros(heard.said.at).plus(Duration::from_secs(delay.into()));
        let own = change.numbers("conversation_message", 1).await?;
        let mut insert = Sql::new(
            "INSERT INTO conversation_message \
             (id, tenant, conversation, at, text, kind, rule, opted_out, answers, state, due_at) VALUES (",
        );
        insert.value(own).push(", ").value(heard.tenant.0);
        insert.push(", ").value(conversation.id.0.cast_signed());
        insert.push(", ").value(self.clock.unix().0.cast_signed());
        insert.push(", ").value(text).push(", ").value(decision.made.code());
        insert
            .push(", ")
            .value(decision.rule.map(|(reply, _)| reply.id.0.cast_signed()));
        insert.push(", 0, ").value(id).push(", ").value(state.into_str());
        insert.push(", ").value(due.0.cast_signed()).push(")");
        change.run(insert).await?;
        Ok(())
    }

    /// Whoever has that number agrees, and has advertising again.
    async fn opt_in(&self, heard: &Heard<'_>, wording: &str) -> Result<(), ReplyFault> {
        let proof = Proof {
            wording: wording.to_owned(),
            source: format!("sms inb_{}", heard.entry.place),
            via: Some(Source::new(SourceKind::Message, format!("inb_{}", heard.entry.place))),
            ..Proof::default()
        };
        let at = UnixMicros(heard.said.at);
        self.people
            .consent_of_number(heard.tenant, heard.from, (&proof, at))
            .await?;
        let place = heard.entry.place;
        let again = Again::Written(place);
        self.mirror
            .opt_in((heard.tenant, Purpose::Marketing), heard.from, again)
            .await?;
        let about = json!({
            "id": format!("inb_{place}"),
            "from": heard.from.to_string(),
            "to": shown_address(&heard.said.to),
            "campaign": heard.entry.campaign.map(|campaign| campaign.to_string()),
        });
        Ok(self.webhooks.tell_of_opt_in(heard.tenant, &about).await?)
    }

    /// Somebody comes, or does not, or wants another time.
    async fn answer_events(
        &self,
        heard: &Heard<'_>,
        (conversation, events): (ConversationId, &[EventId]),
        (answer, confidence): (EventAnswer, Confidence),
    ) -> Result<(), ReplyFault> {
        let at = UnixMicros(heard.said.at);
        self.agenda.answer((heard.tenant, events), (answer, at)).await?;
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            // One that was forgotten meanwhile has nobody who wants to know.
            let found = self.agenda.event(heard.tenant, *event).await;
            told.extend(
                found
                    .ok()
                    .map(|event| json!({ "id": event.id.to_string(), "reference": event.reference })),
            );
        }
        let about = json!({
            "answer": answer.code(),
            "confidence": confidence,
            "appointments": told,
            "from": heard.from.to_string(),
            "conversation": conversation.to_string(),
            "inbound": format!("inb_{}", heard.entry.place),
        });
        Ok(self.webhooks.tell_of_appointment(heard.tenant, &about).await?)
    }

    async fn tell(&self, heard: &Heard<'_>, conversation: ConversationId, made: Made) -> Result<(), ReplyFault> {
        let about = json!({
            "id": conversation.to_string(),
            "reason": made.code(),
            "from": heard.from.to_string(),
            "to": heard.number,
            "inbound": format!("inb_{}", heard.entry.place),
        });
        Ok(self.webhooks.tell_of_conversation(heard.tenant, &about).await?)
    }
}

/// What is new of whom a message is from; nothing, when they want no more.
fn answered_by(heard: &Heard<'_>) -> Option<Seen> {
    (!heard.entry.opted_out).then_some(Seen {
        tenant: heard.tenant,
        number: heard.from,
        what: Engagement {
            replied_at: UnixMicros(heard.said.at),
            ..Engagement::default()
        },
    })
}

/// What is known of a conversation when a message has come.
async fn note(
    change: &mut Change,
    (conversation, at): (&Conversation, UnixMicros),
    (decision, opted_out): (&Decision<'_>, bool),
) -> Result<(), DatabaseError> {
    let mut update = Sql::new("UPDATE conversation SET unread = unread + 1, last_at = ");
    update.value(at.0.cast_signed());
    if decision.needs_people() {
        update.push(", attention = ").value(decision.made.code());
    }
    if let Some(until) = decision.quiet_until {
        update.push(", quiet_until = ").value(until.0.cast_signed());
    }
    if opted_out && decision.text.is_some() {
        update.push(", stop_confirmed_at = ").value(at.0.cast_signed());
    }
    if decision.agrees_to().is_some() {
        update.push(", stop_confirmed_at = NULL");
    }
    update.push(" WHERE id = ").value(conversation.id.0.cast_signed());
    change.run(update).await.map(drop)
}
