//! From events of the journal to deliveries: each endpoint's in batches.

use rustc_hash::FxHashMap;

use super::backlog::{DeliveryKind, News};
use super::endpoint::Endpoint;
use super::event::{MessageNews, passes, tenant_of};
use crate::domain::{BadForm, EndpointId, Partition, TenantId, UnixMicros, events};
use crate::store::JournalEntry;

/// Events in one delivery.
const BATCH_MAX: u32 = 100;

/// Octets of the events in one delivery: its body is shorter than 20,000 with them.
const BATCH_OCTETS_MAX: usize = 19_800;

/// An endpoint's events that are not in a delivery yet.
#[derive(Default)]
struct Open {
    news: Vec<MessageNews>,
    count: u32,
    octets: usize,
}

/// Gathers what some entries say to some endpoints.
pub(super) struct Gather<'a> {
    endpoints: &'a FxHashMap<TenantId, Vec<Endpoint>>,
    partitions: u16,
    open: FxHashMap<EndpointId, Open>,
    full: Vec<News>,
    gathered: usize,
}

impl<'a> Gather<'a> {
    /// For the endpoints of these tenants, in a database of that many partitions.
    pub(super) fn new(endpoints: &'a FxHashMap<TenantId, Vec<Endpoint>>, partitions: u16) -> Self {
        Self {
            endpoints,
            partitions,
            open: FxHashMap::default(),
            full: Vec::new(),
            gathered: 0,
        }
    }

    /// How many events were gathered.
    pub(super) const fn gathered(&self) -> usize {
        self.gathered
    }

    /// Reads an entry of a partition's journal.
    ///
    /// # Errors
    /// When it is none, and where.
    pub(super) fn read(&mut self, partition: Partition, entry: &JournalEntry) -> Result<(), BadForm> {
        let at = entry.at_milliseconds();
        for event in events(&entry.events, entry.at()) {
            let event = event?;
            let Some(endpoints) = self.endpoints.get(&tenant_of(&event)) else {
                continue;
            };
            let Some(news) = MessageNews::of(&event, at, (partition, self.partitions)) else {
                continue;
            };
            for endpoint in endpoints {
                let is_new = since(at) >= endpoint.told_from;
                if is_new && passes(&endpoint.filters, news.kind()) {
                    self.add(endpoint.id, news);
                }
            }
        }
        Ok(())
    }

    /// What is to be told, in deliveries.
    pub(super) fn finish(mut self) -> Vec<News> {
        for (endpoint, open) in std::mem::take(&mut self.open) {
            self.full.extend(open.close(endpoint));
        }
        self.full
    }

    fn add(&mut self, endpoint: EndpointId, news: MessageNews) {
        let (open, octets) = (self.open.entry(endpoint).or_default(), news.octets());
        let mut rest = Some(news);
        while let Some(news) = rest {
            let room = (BATCH_OCTETS_MAX - open.octets) / octets;
            let room = (BATCH_MAX - open.count).min(u32::try_from(room).unwrap_or(BATCH_MAX));
            if room == 0 {
                self.full.extend(std::mem::take(open).close(endpoint));
                rest = Some(news);
                continue;
            }
            let (first, others) = news.split(room, self.partitions);
            open.count += first.count;
            open.octets += first.count as usize * octets;
            open.news.push(first);
            self.gathered += 1;
            rest = others;
        }
    }
}

impl Open {
    fn close(self, endpoint: EndpointId) -> Option<News> {
        // Numbers always can be written.
        let news = serde_json::to_string(&self.news).unwrap_or_default();
        (self.count > 0).then_some(News {
            endpoint,
            kind: DeliveryKind::Messages,
            news,
            events: self.count,
        })
    }
}

/// The end of that millisecond: what happened in the one in which an endpoint was made is told.
const fn since(at: i64) -> UnixMicros {
    UnixMicros(at as u64 * 1_000 + 999)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Event, Reason, Status};
    use crate::webhooks::signature::Secret;

    const PARTITIONS: u16 = 16;

    fn endpoint(id: u64, filters: &[&str], created_at: u64) -> Endpoint {
        Endpoint {
            id: EndpointId(id),
            tenant: TenantId(4),
            url: String::new(),
            description: String::new(),
            filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
            secret: Secret::stored(String::new()),
            former: Vec::new(),
            created_at: UnixMicros(created_at),
            told_from: UnixMicros(created_at),
            failures: 0,
            failing_since: None,
            resting_until: UnixMicros(0),
            disabled: None,
            dropped: 0,
        }
    }

    fn range(count: u32) -> Vec<u8> {
        let campaign = leased(3, 1).id.campaign().0.to_be_bytes();
        [
            &b"r\x07c"[..],
            &campaign,
            &[0, 0, 0, 4],
            &7_u32.to_be_bytes(),
            &count.to_be_bytes(),
        ]
        .concat()
    }

    fn entry(events: Vec<u8>) -> JournalEntry {
        JournalEntry {
            id: "1800000000123-2".to_owned(),
            events,
        }
    }

    #[test]
    fn what_ends_together_is_told_in_batches_and_nobody_is_left_out() {
        let endpoints = [(TenantId(4), vec![endpoint(1, &["*"], 0)])].into_iter().collect();
        let mut gather = Gather::new(&endpoints, PARTITIONS);
        gather.read(Partition(5), &entry(range(1_234))).unwrap();
        let deliveries = gather.finish();
        let mut told = Vec::new();
        for news in &deliveries {
            let parts: Vec<MessageNews> = serde_json::from_str(&news.news).unwrap();
            assert!(news.events <= BATCH_MAX);
            let events: Vec<_> = parts
                .iter()
                .flat_map(|part| part.messages(PARTITIONS).map(|message| part.told(message, None)))
                .collect();
            assert_eq!(events.len(), news.events as usize);
            assert!(crate::webhooks::event::batch(events, 1).to_string().len() < 20_000);
            told.extend(parts.iter().flat_map(|part| part.messages(PARTITIONS)));
        }
        let campaign = leased(3, 1).id.campaign();
        let expected = (7..7 + 1_234).map(|at| crate::domain::MessageId::new(campaign, Partition(5), PARTITIONS, at));
        assert_eq!(told, expected.collect::<Vec<_>>());
    }

    #[test]
    fn each_endpoint_is_told_what_it_asked_for_and_nothing_from_before_it() {
        let refused = Event::Rejected {
            status: Status::UnknownNumber,
            reason: Reason::Answer,
            code: 11,
        };
        let message = leased(3, 1);
        let event = message.apply(refused, UnixMicros(7_000_000)).unwrap().journal.unwrap();
        let tenant = message.tenant;
        let all = vec![
            endpoint(1, &["message.failed"], 1_800_000_000_123_000),
            endpoint(2, &["message.delivered", "campaign.*"], 0),
            endpoint(3, &["message.*"], 1_800_000_000_124_000),
        ];
        let endpoints = [(tenant, all)].into_iter().collect();
        let mut gather = Gather::new(&endpoints, PARTITIONS);
        gather.read(Partition(5), &entry(event)).unwrap();
        let deliveries = gather.finish();
        let [news] = &deliveries[..] else {
            panic!("{deliveries:?}")
        };
        assert_eq!((news.endpoint, news.events), (EndpointId(1), 1));
        let parts: Vec<MessageNews> = serde_json::from_str(&news.news).unwrap();
        let told = parts[0].told(message.id, Some(message.recipient));
        assert_eq!(told["type"], "message.failed");
        let data = &told["data"];
        assert_eq!(
            (&data["status"], &data["reason"], &data["code"], &data["sequence"]),
            (&"unknown_number".into(), &"answer".into(), &11.into(), &2.into())
        );
    }
}
