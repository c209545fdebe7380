//! Campaigns on a real Redis: nothing doubled, nothing lost, credits conserved.

mod agreement;
mod auditing;
mod census;
mod conservation;
mod editing;
mod heard;
mod joining;
mod lease;
mod listing;
mod recut;
mod redaction;
mod resolving;
mod roll_call;
mod schedule;
mod starting;
mod terms;
mod texts;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use smpp::text::EncodingPolicy;

use super::*;
use crate::clock::pass;
use crate::config;
use crate::domain::{
    Event, GateId, GivesBack, Mark, Message, MessageId, Note, Parameters, Partition, Purpose, Reason, Recipient,
    Record, ResellerId, RouteId, SmscId, Status, Trace, Traces, Transition, digest,
};
use crate::store::{
    CampaignState, Counters, Credits, DirectHold, Embedded, Grant, Launch, LeaseAsk, Leased, LeasedMessage, NewTenant,
    RowBatch, Token,
};

const SMSC: SmscId = SmscId(1);
const LIMIT: Duration = Duration::from_secs(20);

/// An engine without dispatchers, with a Redis of its own.
pub(crate) struct Bench {
    pub(crate) campaigns: Campaigns,
    pub(crate) store: Store,
    pub(crate) people: People,
    pub(crate) mirror: Mirror,
    numbers: Numbers,
    pub(crate) clock: Clock,
    rung: Arc<AtomicU64>,
    tokens: AtomicU64,
    /// The number of the last lease in each partition.
    leases: std::sync::Mutex<Vec<u64>>,
    folder: PathBuf,
    _redis: Embedded,
}

/// The master key's, in a bench's folder.
const KEY_FILE: &str = "campanile.key";

impl Drop for Bench {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

impl Bench {
    pub(crate) async fn start(name: &str) -> Self {
        Self::under(name, |folder| folder.join(KEY_FILE)).await
    }

    /// Another one, with the master key of this one.
    pub(crate) async fn beside(&self, name: &str) -> Self {
        Self::under(name, |_| self.folder.join(KEY_FILE)).await
    }

    async fn under(name: &str, key_file: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = std::env::temp_dir().join(format!("campanile-{name}-{}", std::process::id()));
        let redis = Embedded::start(&folder).await.unwrap();
        let store = Store::connect(&redis.servers().unwrap(), (16, 0)).await.unwrap();
        store.unlock(&key_file(&folder)).await.unwrap();
        assert_eq!(store.smsc_id("north").await.unwrap(), SMSC);
        let rung = Arc::new(AtomicU64::new(0));
        let database = crate::database::tests::open(&folder).await.unwrap();
        let mirror = Mirror::new(&store, &database, (Clock::new(), &Metrics::new(9).unwrap()));
        let flagged = FlaggedTexts::new((store.clone(), database.clone()), Clock::new(), None);
        let numbers = Numbers::new(database.clone(), Clock::new());
        let people = People::new(database, Clock::new());
        let kept = (people.clone(), mirror.clone(), flagged, numbers.clone());
        let campaigns = campaigns(&store, kept, rung.clone()).await;
        Self {
            campaigns,
            store,
            people,
            mirror,
            numbers,
            clock: Clock::new(),
            rung,
            tokens: AtomicU64::new(1),
            leases: std::sync::Mutex::new(vec![0; 16]),
            folder,
            _redis: redis,
        }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    fn kept(&self) -> (People, Mirror, FlaggedTexts, Numbers) {
        (
            self.people.clone(),
            self.mirror.clone(),
            self.campaigns.flagged().clone(),
            self.numbers.clone(),
        )
    }

    /// Another one at each call.
    pub(crate) fn token(&self) -> Token {
        Token(u128::from(self.tokens.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
    }

    pub(crate) async fn grant(
        &self,
        tenant: TenantId,
        credits: u64,
        reference: &str,
    ) -> Result<Option<Option<u64>>, StoreError> {
        let grant = Grant {
            tenant,
            credits,
            reference,
            token: self.token(),
        };
        self.store.grant(&grant, UnixMicros(1)).await
    }

    pub(crate) async fn tenant(&self, credits: u64) -> TenantId {
        let tenant = self.enrol(None).await;
        if credits > 0 {
            self.grant(tenant, credits, "first").await.unwrap();
        }
        tenant
    }

    /// One of a reseller's, without credits.
    pub(crate) async fn hosted_tenant(&self, reseller: ResellerId) -> TenantId {
        self.enrol(Some(reseller)).await
    }

    async fn enrol(&self, reseller: Option<ResellerId>) -> TenantId {
        let new = NewTenant {
            name: "Cabinet Martin".into(),
            weight: 1,
            terms: crate::domain::Terms::default(),
            countries: Countries::default(),
            reseller,
        };
        let key = ("00", &crate::store::KeyDetails::default());
        let asked = (self.token(), UnixMicros(1));
        self.store.create_tenant(&new, key, asked).await.unwrap()
    }

    pub(crate) async fn create(&self, tenant: TenantId, recipients: std::ops::Range<u64>) -> CampaignId {
        let body = body(recipients, "Bonjour [Nom]");
        self.campaigns
            .create(tenant, std::io::Cursor::new(body))
            .await
            .unwrap()
            .campaign
            .id
    }

    async fn state(&self, tenant: TenantId, id: CampaignId) -> CampaignState {
        self.campaigns.find(tenant, id).await.unwrap().state
    }

    async fn credits(&self, tenant: TenantId) -> Credits {
        self.store.tenant(tenant).await.unwrap().unwrap().credits
    }

    async fn until(
        &self,
        what: &str,
        tenant: TenantId,
        id: CampaignId,
        reached: impl Fn(CampaignState, &Counters) -> bool,
    ) {
        let poll = async {
            loop {
                self.campaigns.books().round().await;
                let counters = self.store.counters(id).await.unwrap();
                if reached(self.state(tenant, id).await, &counters) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(LIMIT, poll).await.is_ok(), "never: {what}");
    }

    pub(crate) async fn launched(&self, tenant: TenantId, id: CampaignId) {
        let queued = |state, _: &Counters| !matches!(state, CampaignState::Launching);
        self.until("launched", tenant, id, queued).await;
    }

    /// The routes that the SMSC serves, and the version of all.
    pub(crate) fn routes(&self) -> (Vec<RouteId>, u32) {
        let routes = self.campaigns.routes();
        (routes.served_by(SMSC), routes.version())
    }

    /// Claims about that many messages of each partition.
    pub(crate) async fn lease(&self, segments: usize) -> Vec<LeasedMessage> {
        self.lease_through(&[GateId::OPEN], segments).await
    }

    pub(crate) async fn lease_through(&self, gates: &[GateId], segments: usize) -> Vec<LeasedMessage> {
        let (routes, version) = self.routes();
        let mut leased = Vec::new();
        for partition in self.store.all_partitions() {
            let number = {
                let mut leases = self.leases.lock().unwrap();
                leases[usize::from(partition.0)] += 1;
                leases[usize::from(partition.0)]
            };
            let ask = LeaseAsk {
                smsc: SMSC,
                partition,
                epoch: 1,
                number,
                segments,
                now: self.clock.unix(),
                routes: &routes,
                gates,
                version,
                server: "",
            };
            let first = self.store.lease(&ask).await.unwrap();
            let Leased::Messages { messages, .. } = first else {
                panic!("{first:?}")
            };
            leased.extend(messages);
        }
        leased
    }

    pub(crate) async fn accept(&self, leased: &[LeasedMessage]) {
        self.make(leased, |message| (accepted(message), Note::Taken(36_180)))
            .await;
    }

    async fn reject(&self, leased: &[LeasedMessage]) {
        let rejected = Event::Rejected {
            status: Status::UnknownNumber,
            reason: Reason::Answer,
            code: 11,
        };
        self.make(leased, |_| (rejected.clone(), Note::None)).await;
    }

    async fn receipts(&self, leased: &[LeasedMessage], status: Status) {
        let receipt = |message: &Message<'_>| {
            let (segment, code) = (0, 0);
            let digest = digest(SMSC, &smsc_id(message));
            (
                Event::Receipt {
                    segment,
                    status,
                    code,
                    gives_back: GivesBack::NONE,
                },
                Note::Settled(digest),
            )
        };
        self.make(leased, receipt).await;
    }

    /// Has that happen to those messages that are still under way, and to the books.
    pub(crate) async fn make(&self, leased: &[LeasedMessage], event: impl Fn(&Message<'_>) -> (Event, Note)) {
        self.make_unbooked(leased, event).await;
        self.campaigns.books().round().await;
    }

    /// As `accept`, and the journal stays as long as it is.
    pub(crate) async fn accept_unbooked(&self, leased: &[LeasedMessage]) {
        self.make_unbooked(leased, |message| (accepted(message), Note::Taken(36_180)))
            .await;
    }

    async fn make_unbooked(&self, leased: &[LeasedMessage], event: impl Fn(&Message<'_>) -> (Event, Note)) {
        let recipients: Vec<Recipient> = leased.iter().map(|leased| leased.recipient).collect();
        let records = self.store.records(&recipients).await.unwrap();
        let moves: Vec<(Transition, Note)> = leased
            .iter()
            .zip(&records)
            .filter_map(|(leased, record)| {
                let read = Record::unpack(leased.recipient, record).unwrap();
                let mut messages = read.messages.iter();
                let stored = messages.find(|stored| stored.id == message(leased).id)?;
                let (event, note) = event(stored);
                Some((stored.apply(event, UnixMicros(1)).unwrap(), note))
            })
            .collect();
        let made = self.store.make(self.clock.unix(), &moves).await.unwrap();
        assert!(made.done.iter().all(|done| *done));
    }
}

pub(crate) fn smsc_id(message: &Message<'_>) -> Vec<u8> {
    message.id.0.to_string().into_bytes()
}

fn accepted(message: &Message<'_>) -> Event {
    Event::Accepted(Traces {
        at: UnixMicros(1),
        segments: vec![Trace {
            mark: Mark::Taken,
            smsc_id: smsc_id(message),
        }],
    })
}

pub(crate) fn message(leased: &LeasedMessage) -> Message<'_> {
    Message::unpack(leased.recipient, &leased.message).unwrap().0
}

async fn campaigns(
    store: &Store,
    (people, mirror, flagged, numbers): (People, Mirror, FlaggedTexts, Numbers),
    rung: Arc<AtomicU64>,
) -> Campaigns {
    let north = Arc::new(config::Smsc::new("north", "127.0.0.1:2775", "campanile"));
    Campaigns::new(CampaignDeps {
        links: None,
        store: store.clone(),
        metrics: Metrics::new(9).unwrap(),
        clock: Clock::new(),
        routes: RouteTable::new(Routes::new(store, &[(SMSC, north)], &[]).await.unwrap()),
        gates: Gates::none(Clock::new()),
        epoch: 1,
        flagged,
        numbers,
        people,
        mirror,
        message_log: MessageLog::off(),
        webhooks: None,
        history: None,
        keep: Duration::from_secs(3_600),
        ring: Arc::new(move |_, _, _| {
            rung.fetch_add(1, Ordering::Relaxed);
        }),
        limits: Limits {
            recipients_max: 5_000,
            country: Country::FRANCE,
            countries: Countries::default(),
            stop_number: None,
            protected: ProtectedNames::default(),
        },
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    })
}

pub(crate) fn body(recipients: std::ops::Range<u64>, text: &str) -> String {
    let row = |number: u64| format!(r#"{{"to": "+336{number:08}", "Nom": "Patient {number}"}}"#);
    let rows: Vec<String> = recipients.map(row).collect();
    format!(
        r#"{{"name": "Rappel", "text": "{text}", "sender": "Clinique", "purpose": "marketing", "audience": {{"recipients": [{}]}}}}"#,
        rows.join(",")
    )
}

fn ids(leased: &[LeasedMessage]) -> HashSet<MessageId> {
    leased.iter().map(|leased| message(leased).id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_queued_again_makes_no_message_twice() {
    let bench = Bench::start("queue").await;
    let tenant = bench.tenant(5_000).await;
    let id = bench.create(tenant, 0..5_000).await;
    assert_eq!(
        bench.campaigns.launch(tenant, id).await.unwrap(),
        CampaignState::Launching
    );
    bench.launched(tenant, id).await;
    assert!(bench.rung.load(Ordering::Relaxed) >= 16, "every partition is told");
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    bench.campaigns.queue(&campaign).await.unwrap();
    bench.campaigns.queue(&campaign).await.unwrap();
    let mut leased = bench.lease(1_000).await;
    assert_eq!((leased.len(), ids(&leased).len()), (5_000, 5_000));
    leased.extend(bench.lease(1_000).await);
    assert_eq!(leased.len(), 5_000);
    let order = bench.campaigns.orders().get(tenant, id).await.unwrap().unwrap();
    let packed = order.open(&leased[0].variables).unwrap();
    let variables: Vec<&str> = crate::domain::variables(&packed).collect();
    let patient = leased[0].recipient.0 - 33_600_000_000;
    assert_eq!(variables, [format!("Patient {patient}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_one_short_refuses_and_an_equal_one_passes() {
    let bench = Bench::start("short").await;
    let tenant = bench.tenant(9).await;
    let id = bench.create(tenant, 0..10).await;
    let refused = bench.campaigns.launch(tenant, id).await;
    assert!(
        matches!(
            refused,
            Err(CampaignFault::Short {
                available: 9,
                needed: 10
            })
        ),
        "{refused:?}"
    );
    assert_eq!(bench.state(tenant, id).await, CampaignState::Blocked);
    bench.grant(tenant, 1, "the last one").await.unwrap();
    bench.campaigns.launch(tenant, id).await.unwrap();
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.available, credits.held), (0, 10));
    let again = bench.campaigns.launch(tenant, id).await;
    assert!(matches!(again, Err(CampaignFault::AlreadyStarted(_))), "{again:?}");
    let stranger = bench.tenant(100).await;
    assert!(matches!(
        bench.campaigns.launch(stranger, id).await,
        Err(CampaignFault::NotFound)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_body_leaves_nothing() {
    let bench = Bench::start("refused").await;
    let tenant = bench.tenant(0).await;
    for (body, wanted) in [
        (body(0..2_500, "Bonjour [Titre]"), "Fields"),
        (body(0..5_001, "Bonjour"), "TooManyRecipients"),
        (body(0..0, "Bonjour"), "EmptyAudience"),
        (body(0..2_500, "Bonjour").replace("\"Clinique\"", "\"Clin"), "Fields"),
    ] {
        let fault = bench
            .campaigns
            .create(tenant, std::io::Cursor::new(body))
            .await
            .unwrap_err();
        assert!(format!("{fault:?}").starts_with(wanted), "{fault:?} is not {wanted}");
        let last = CampaignId(bench.store.next_campaign().await.unwrap().0 - 1);
        let mut pages = pages::Pages::all(last, bench.store.partitions());
        assert!(
            pages.next(&bench.store).await.unwrap().is_empty(),
            "{wanted} left an audience"
        );
    }
    assert_eq!(
        bench
            .campaigns
            .list(tenant, (None, 10), &Wanted::default())
            .await
            .unwrap()
            .rows
            .len(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_goes_on_with_what_was_launched() {
    let bench = Bench::start("resume").await;
    let tenant = bench.tenant(3_000).await;
    let id = bench.create(tenant, 0..3_000).await;
    // The process ends between the hold and the expansion.
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    let now = bench.clock.unix();
    let share = bench.store.admission(tenant).await.unwrap().share(now);
    bench.store.launch(&campaign, (None, &share), now).await.unwrap();
    let started_again = campaigns(&bench.store, bench.kept(), Arc::default()).await;
    started_again.resume_all().await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(bench.state(tenant, id).await, CampaignState::Running);
}

#[tokio::test]
async fn a_launch_whose_reply_was_lost_is_asked_for_again_and_holds_once() {
    let bench = Bench::start("hold-again").await;
    let tenant = bench.tenant(150).await;
    let id = bench.create(tenant, 0..100).await;
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    let now = bench.clock.unix();
    let share = bench.store.admission(tenant).await.unwrap().share(now);
    let launch = async |at| bench.store.launch(&campaign, (None, &share), at).await.unwrap();
    assert_eq!(launch(now).await, Launch::Held);
    assert_eq!(
        launch(now).await,
        Launch::Held,
        "a client may send a call again by itself"
    );
    assert_eq!(
        launch(UnixMicros(now.0 + 1)).await,
        Launch::WrongState,
        "another launch"
    );
    let credits = bench.store.tenant(tenant).await.unwrap().unwrap().credits;
    assert_eq!((credits.available, credits.held), (50, 100));
}

#[tokio::test]
async fn the_books_are_closed_when_nothing_is_left_to_be_sent() {
    let bench = Bench::start("books").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..100).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let leased = bench.lease(1_000).await;
    let (good, bad) = leased.split_at(60);
    bench.accept(good).await;
    bench.reject(bad).await;
    assert_eq!(
        bench.state(tenant, id).await,
        CampaignState::Running,
        "it was looked at a moment ago"
    );
    pass(Duration::from_secs(1)).await;
    bench.campaigns.books().round().await;
    assert_eq!(bench.state(tenant, id).await, CampaignState::Completed);
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.available, credits.held, credits.spent), (940, 0, 60));
    assert!(bench.store.active().await.unwrap().is_empty());
    // A receipt that gives a credit back comes late, and is booked all the same.
    bench.receipts(&good[..1], Status::Recredited).await;
    pass(Duration::from_secs(2)).await;
    bench.campaigns.books().round().await;
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.available, credits.held, credits.spent), (941, 0, 59));
    assert_eq!(credits.recredited, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_keeps_what_is_queued_and_cancel_ends_it() {
    let bench = Bench::start("control").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..500).await;
    assert!(matches!(
        bench.campaigns.pause(tenant, id).await,
        Err(CampaignFault::WrongState(CampaignState::Draft))
    ));
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    for _ in 0..2 {
        assert_eq!(bench.campaigns.pause(tenant, id).await.unwrap(), CampaignState::Paused);
    }
    assert!(bench.lease(1_000).await.is_empty());
    bench.campaigns.resume(tenant, id).await.unwrap();
    let leased = bench.lease(2).await;
    assert!(!leased.is_empty());
    bench.accept(&leased).await;
    bench.campaigns.cancel(tenant, id).await.unwrap();
    let sent = leased.len() as u64;
    bench
        .until("drained", tenant, id, |_, counters| counters.canceled() == 500 - sent)
        .await;
    bench.campaigns.books().look(&[(tenant, id)]).await;
    let credits = bench.credits(tenant).await;
    assert_eq!(
        (credits.available, credits.held, credits.spent),
        (1_000 - sent, 0, sent)
    );
    assert_eq!(bench.state(tenant, id).await, CampaignState::Stopped);
    assert!(matches!(
        bench.campaigns.pause(tenant, id).await,
        Err(CampaignFault::WrongState(CampaignState::Stopped))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_is_canceled_cannot_be_launched() {
    let bench = Bench::start("draft").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..10).await;
    assert_eq!(
        bench.campaigns.cancel(tenant, id).await.unwrap(),
        CampaignState::Canceled
    );
    let launch = bench.campaigns.launch(tenant, id).await;
    assert!(
        matches!(launch, Err(CampaignFault::WrongState(CampaignState::Canceled))),
        "{launch:?}"
    );
    assert_eq!(bench.credits(tenant).await.held, 0);
}

fn direct(to: &str, text: &str) -> DirectOrder {
    DirectOrder {
        to: to.into(),
        text: text.into(),
        sender: "Clinique".into(),
        purpose: Purpose::Transactional,
        own_number: false,
        encoding: None,
        validity: None,
        parameters: Parameters::default(),
        without_consent: false,
        in_hours: false,
        guests_only: false,
        link: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_is_held_enqueued_and_found_again() {
    let bench = Bench::start("direct").await;
    let tenant = bench.tenant(3).await;
    let hour_now = || bench.clock.unix().hour();
    let hour = hour_now();
    let id = bench
        .campaigns
        .send(
            tenant,
            &direct("06 12 34 56 78", "Votre code est [1234]"),
            Token([1; 16]),
        )
        .await
        .unwrap();
    let second = bench
        .campaigns
        .send(tenant, &direct("0612345679", &"a".repeat(161)), Token([2; 16]))
        .await
        .unwrap();
    if hour_now() == hour {
        assert_eq!(id.campaign(), second.campaign(), "both are of one hour");
    }
    let short = bench
        .campaigns
        .send(tenant, &direct("0612345670", "Bonjour"), Token([3; 16]))
        .await;
    assert!(
        matches!(
            short,
            Err(CampaignFault::Short {
                available: 0,
                needed: 1
            })
        ),
        "{short:?}"
    );
    let row = bench.campaigns.message(tenant, id).await.unwrap();
    assert_eq!((row.recipient, row.id), (Recipient(33_612_345_678), id));
    let stranger = bench.tenant(1).await;
    assert!(matches!(
        bench.campaigns.message(stranger, id).await,
        Err(CampaignFault::NotFound)
    ));
    let leased = bench.lease(10).await;
    assert_eq!(ids(&leased), HashSet::from([id, second]));
    let Err(CampaignFault::Fields(faults)) = bench
        .campaigns
        .send(tenant, &direct("0123456789", " "), Token([4; 16]))
        .await
    else {
        panic!("a landline and a blank text are refused")
    };
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/to", "/text"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_whose_hold_was_undone_may_hold_again() {
    let bench = Bench::start("direct-undone").await;
    let tenant = bench.tenant(3).await;
    let order = direct("06 12 34 56 78", "Votre code est 1234");
    let id = bench.campaigns.send(tenant, &order, Token([1; 16])).await.unwrap();
    let (token, now) = (Token([2; 16]), bench.clock.unix());
    let recipient = Recipient(33_612_345_679);
    let share = bench.store.admission(tenant).await.unwrap().share(now);
    let hold = DirectHold {
        tenant,
        campaign: id.campaign(),
        token,
        partition: recipient.partition(bench.store.partitions()),
        credits: 1,
        share: &share,
    };
    // A request that was killed between its hold and its message.
    let long_ago = now.minus(Duration::from_secs(100));
    bench.store.hold_direct(&hold, long_ago).await.unwrap();
    for half in bench.store.half_done(now.seconds()).await.unwrap() {
        let undone_at = now.minus(Duration::from_secs(30));
        bench.store.resolve_half_done(&half, undone_at).await.unwrap();
    }
    assert_eq!(bench.credits(tenant).await.available, 2);
    let again = direct("06 12 34 56 79", "Votre code est 1234");
    let made = bench.campaigns.send(tenant, &again, token).await.unwrap();
    assert_eq!(bench.campaigns.send(tenant, &again, token).await.unwrap(), made);
    assert_eq!(bench.credits(tenant).await.available, 1);
    assert_eq!(bench.lease(10).await.len(), 2);
}

/// Two requests of one token: the second looked for its message before the first had made it, and holds credits after it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hold_of_a_token_whose_message_is_there_is_released() {
    let bench = Bench::start("direct-twice").await;
    let tenant = bench.tenant(5).await;
    let (order, token) = (direct("06 12 34 56 78", "Votre code est 1234"), Token([1; 16]));
    let id = bench.campaigns.send(tenant, &order, token).await.unwrap();
    let recipient = Recipient(33_612_345_678);
    let now = bench.clock.unix();
    let share = bench.store.admission(tenant).await.unwrap().share(now);
    let hold = DirectHold {
        tenant,
        campaign: id.campaign(),
        token,
        partition: recipient.partition(bench.store.partitions()),
        credits: 1,
        share: &share,
    };
    let balances = || async {
        let campaign = bench.store.campaign(tenant, id.campaign()).await.unwrap().unwrap();
        let credits = bench.credits(tenant).await;
        (credits.available, credits.held, campaign.total, campaign.held)
    };
    assert_eq!(balances().await, (4, 1, 1, 1));
    // It asks again, goes on as far as its message, or is killed behind its hold.
    bench.store.hold_direct(&hold, now).await.unwrap();
    assert_eq!(balances().await, (3, 2, 2, 2));
    assert_eq!(bench.campaigns.send(tenant, &order, token).await.unwrap(), id);
    assert_eq!(balances().await, (4, 1, 1, 1));
    bench.store.hold_direct(&hold, bench.clock.unix()).await.unwrap();
    let later = bench.clock.unix().plus(Duration::from_secs(100));
    for half in bench.store.half_done(later.seconds()).await.unwrap() {
        bench.store.resolve_half_done(&half, later).await.unwrap();
    }
    assert_eq!(balances().await, (4, 1, 1, 1));
    assert_eq!(bench.lease(10).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_hand_are_never_too_many() {
    let bench = Bench::start("orders").await;
    let tenant = bench.tenant(0).await;
    let id = bench.create(tenant, 0..1).await;
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    let orders = bench.campaigns.orders();
    for number in 1..=Orders::MAX as u64 + 10 {
        orders
            .keep(&Campaign {
                id: CampaignId(number),
                ..campaign.clone()
            })
            .unwrap();
    }
    assert!(orders.len() <= Orders::MAX);
    assert!(
        orders.cached(CampaignId(Orders::MAX as u64)).is_some(),
        "the newest stay"
    );
    let other = bench.tenant(0).await;
    assert!(
        orders
            .get(other, CampaignId(Orders::MAX as u64))
            .await
            .unwrap()
            .is_none()
    );
}
