//! Three accounts of one message agree, whatever happens to it in whatever order, once or twice: the table of states with
//! `Message::apply`, what the scripts leave in a real Redis, and a model that knows neither.

mod model;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::model::{Act, Model, letter, smsc_id, traces};
use super::*;
use crate::domain::{Mark, Record, RouteId, State, Step, Trace, Traces, Transition};
use crate::store::Swap;

/// Letters of the stored states that each step may leave, written out: the model's table.
const TABLE: [(Step, &str); 13] = [
    (Step::Lease, "WD"),
    (Step::Wait, "W"),
    (Step::Skip, "WD"),
    (Step::Defer, "LI"),
    (Step::Accept, "LI"),
    (Step::Reject(Status::UnknownNumber), "LI"),
    (Step::Doubt, "WDL"),
    (Step::Learn, "IE"),
    (Step::Settle(Status::Delivered), "IE"),
    (Step::Cancel, "WD"),
    (Step::Abandon, "D"),
    (Step::Outdate(Status::TransmissionFailed), "WD"),
    (Step::Reroute, "WD"),
];

/// Recipients of a case; each gets a message of one segment and one of two from the same tenant.
const RECIPIENTS: u64 = 3;

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let status = prop::sample::select(&[Status::Delivered, Status::UnknownNumber, Status::Recredited][..]);
    let act = prop_oneof![
        3 => Just(Act::Lease),
        4 => any::<bool>().prop_map(|whole| Act::Accept { whole }),
        2 => any::<bool>().prop_map(|part_taken| Act::Defer { part_taken }),
        1 => Just(Act::Reject),
        2 => Just(Act::Doubt),
        5 => status.prop_map(|status| Act::Receipt { status }),
        1 => Just(Act::Stop),
        1 => Just(Act::Outdate),
        1 => Just(Act::Recall),
        1 => Just(Act::Reroute),
        1 => Just(Act::Expire),
        3 => Just(Act::Again),
        2 => Just(Act::Late),
        3 => (0..TABLE.len()).prop_map(|step| Act::Forged { step }),
    ];
    vec((0..2 * RECIPIENTS as usize, act), 40..120)
}

/// A case: two campaigns of one tenant to the same people.
struct Play<'a> {
    bench: &'a Bench,
    tenant: TenantId,
    campaigns: [CampaignId; 2],
    models: Vec<Model>,
}

impl<'a> Play<'a> {
    async fn start(bench: &'a Bench, first: u64) -> Self {
        let tenant = bench.tenant(1_000).await;
        let mut campaigns = [CampaignId(0); 2];
        for (id, text) in campaigns
            .iter_mut()
            .zip(["Bonjour", &"Bonjour, le cabinet. ".repeat(10)])
        {
            let body = body(first..first + RECIPIENTS, text);
            let created = bench.campaigns.create(tenant, std::io::Cursor::new(body)).await;
            *id = created.unwrap().campaign.id;
            bench.campaigns.launch(tenant, *id).await.unwrap();
            bench.launched(tenant, *id).await;
        }
        let mut play = Self {
            bench,
            tenant,
            campaigns,
            models: Vec::new(),
        };
        bench.lease(1_000).await;
        for number in first..first + RECIPIENTS {
            let recipient = Recipient(33_600_000_000 + number);
            let record = play.record(recipient).await;
            let read = Record::unpack(recipient, &record).unwrap();
            assert_eq!(read.messages.iter().map(letter).collect::<String>(), "LW");
            play.models.extend(read.messages.iter().map(Model::new));
        }
        play
    }

    async fn record(&self, recipient: Recipient) -> Bytes {
        self.bench.store.records(&[recipient]).await.unwrap().remove(0)
    }

    async fn swap(&self, swap: &Swap) -> bool {
        self.bench.store.swap(UnixMicros(9), &[swap]).await.unwrap().done[0]
    }

    async fn act(&mut self, at: usize, act: &Act) {
        let record = self.record(self.models[at].recipient).await;
        let read = Record::unpack(self.models[at].recipient, &record).unwrap();
        let message = read
            .messages
            .into_iter()
            .find(|message| message.id == self.models[at].id);
        match act {
            Act::Lease => self.lease().await,
            Act::Again => self.again(at, 1, &record).await,
            Act::Late => self.again(at, 2, &record).await,
            Act::Forged { step } => self.forge(&TABLE[*step], message, &record),
            Act::Accept { .. }
            | Act::Defer { .. }
            | Act::Reject
            | Act::Doubt
            | Act::Receipt { .. }
            | Act::Stop
            | Act::Outdate
            | Act::Recall
            | Act::Reroute
            | Act::Expire => self.play(at, act, message, &record).await,
        }
        self.compare(at, act).await;
    }

    /// What the model lets happen is made by `apply` and stored; what it does not, is neither.
    async fn play(&mut self, at: usize, act: &Act, message: Option<Message<'_>>, record: &Bytes) {
        let Some(message) = message else { return };
        let Some((event, may)) = self.models[at].play(act) else {
            return;
        };
        let Ok(transition) = message.apply(event.clone(), UnixMicros(9)) else {
            assert!(!may, "apply refuses {event:?} of {message:?}");
            return;
        };
        assert!(may, "apply makes {event:?} of {message:?}");
        let mut swap = self.bench.store.swap_of(message.recipient, record.clone());
        assert_eq!(swap.draft.make(&transition, &note_of(&event), UnixMicros(9)), Ok(true));
        assert!(self.swap(&swap).await, "{event:?} of {message:?}");
        assert_eq!(self.record(message.recipient).await, swap.draft.octets());
        self.models[at].asked.push(swap);
    }

    /// What was asked before changes nothing; it is known as done while nothing has happened since.
    async fn again(&self, at: usize, back: usize, record: &Bytes) {
        let model = &self.models[at];
        let Some(swap) = model.asked.len().checked_sub(back).map(|at| &model.asked[at]) else {
            return;
        };
        let last = record == swap.draft.octets();
        assert_eq!(self.swap(swap).await, last, "{swap:?}");
        assert_eq!(self.record(model.recipient).await, record, "{swap:?} again");
    }

    /// A move of the right head that the state does not have is made in no draft.
    fn forge(&self, (step, from): &(Step, &str), message: Option<Message<'_>>, record: &Bytes) {
        let Some(message) = message.filter(|message| !from.contains(letter(message))) else {
            return;
        };
        assert!(message.state.after(*step).is_err(), "{step:?} of {message:?}");
        let forged = Transition {
            step: *step,
            recipient: message.recipient,
            expected: message.head(),
            replacement: Vec::new(),
            due: None,
            result: None,
            credits: message.credits,
            journal: None,
            untold: None,
        };
        let mut swap = self.bench.store.swap_of(message.recipient, record.clone());
        assert_eq!(swap.draft.make(&forged, &Note::None, UnixMicros(9)), Ok(false));
        assert_eq!(swap.draft.octets(), record);
    }

    /// The lease moves what is due, and nothing else.
    async fn lease(&mut self) {
        let leased = self.bench.lease(1_000).await;
        let claimed = ids(&leased);
        for model in self.models.iter_mut().filter(|model| claimed.contains(&model.id)) {
            assert!("WD".contains(model.letter), "leased: {model:?}");
            model.letter = 'L';
        }
        for pair in self.models.chunks(2) {
            let overtaken = claimed.contains(&pair[1].id) && "LWD".contains(pair[0].letter);
            assert!(!overtaken, "the second message goes before the first: {pair:?}");
        }
    }

    /// What is stored is what the model says.
    async fn compare(&self, at: usize, act: &Act) {
        let model = &self.models[at];
        let record = self.record(model.recipient).await;
        let read = Record::unpack(model.recipient, &record).unwrap();
        let Some(stored) = read.messages.iter().find(|message| message.id == model.id) else {
            assert_eq!(model.letter, '.', "gone after {act:?}: {model:?}");
            return;
        };
        assert_eq!(letter(stored), model.letter, "after {act:?}: {model:?}");
        assert_eq!(u64::from(stored.credits), model.credits, "after {act:?}: {model:?}");
        let segments = model.traced.then(|| traces(&model.parts, UnixMicros(0)).segments);
        assert_eq!(stored.traces().map(|traces| traces.segments), segments, "after {act:?}");
    }

    /// The books say of both campaigns what the model says of their messages.
    async fn close(&self) {
        self.bench.campaigns.books().round().await;
        for campaign in self.campaigns {
            let counters = self.bench.store.counters(campaign).await.unwrap();
            let of: Vec<&Model> = self
                .models
                .iter()
                .filter(|model| model.id.campaign() == campaign)
                .collect();
            let count = |what: &dyn Fn(&Model) -> bool| of.iter().filter(|model| what(model)).count() as u64;
            assert_eq!(
                counters.in_doubt(),
                count(&|model| model.letter == 'I'),
                "in doubt: {of:?}"
            );
            assert_eq!(counters.canceled(), count(&|model| model.canceled), "canceled: {of:?}");
            assert_eq!(
                counters.spent(),
                of.iter().map(|model| model.spent).sum::<u64>(),
                "spent: {of:?}"
            );
            for (status, counted) in counters.statuses() {
                let enroute = |model: &Model| status == Status::Transmitted && model.letter == 'E';
                let of_status = count(&|model| model.ended == Some(status) || enroute(model));
                assert_eq!(counted, of_status, "{status:?}: {of:?}");
            }
        }
        let credits = self.bench.credits(self.tenant).await;
        assert_eq!(credits.granted, credits.available + credits.held + credits.spent);
    }
}

fn note_of(event: &Event) -> Note {
    if matches!(event, Event::Accepted(_)) {
        return Note::Taken(36_180);
    }
    if let Event::Receipt { segment, .. } | Event::Found { segment, .. } = event {
        return Note::Settled(digest(SMSC, &smsc_id(*segment)));
    }
    Note::None
}

#[test]
fn the_table_is_the_one_that_is_written_here() {
    for (step, letters) in TABLE {
        assert_eq!(State::letters_before(step), letters, "{step:?}");
    }
    assert_eq!(State::letters_before(Step::Expire(Status::Transmitted)), "IE");
}

#[test]
fn the_table_the_scripts_and_a_model_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start("agreement"));
    for seed in 1..=3u8 {
        let config = Config {
            cases: 12,
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
        let next = std::cell::Cell::new(0);
        let outcome = runner.run(&acts(), |acts| {
            let first = u64::from(seed) * 1_000_000 + next.replace(next.get() + RECIPIENTS);
            runtime.block_on(async {
                let mut play = Play::start(&bench, first).await;
                for (at, act) in &acts {
                    play.act(*at, act).await;
                }
                play.close().await;
            });
            Ok(())
        });
        assert!(outcome.is_ok(), "seed {seed}: {}", outcome.unwrap_err());
    }
}
