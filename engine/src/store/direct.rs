//! Messages that are sent one by one: credits held in the tenant's slot, then a row in the recipient's. A process that ends
//! between the two leaves a token behind, by which the message is finished or undone.

use redis::Value;

use super::scripts::Name;
use super::{Share, Store, StoreError, Token, array, bytes, integer, keys};
use crate::domain::{CampaignId, Line, MessageId, Partition, Recipient, TenantId, UnixMicros};

/// A message that is to be queued.
#[derive(Clone, Debug)]
pub(crate) struct DirectMessage {
    pub(crate) tenant: TenantId,
    /// The direct campaign of the hour.
    pub(crate) campaign: CampaignId,
    pub(crate) recipient: Recipient,
    /// Its packed row.
    pub(crate) row: Vec<u8>,
    /// Where it is queued.
    pub(crate) line: Line,
    /// Under which version of the routes.
    pub(crate) version: u32,
    pub(crate) token: Token,
    /// Under which its credits are held.
    pub(crate) hold: Hold,
    /// From when on it is worth nothing any more.
    pub(crate) worth_until: Option<UnixMicros>,
    /// It was asked for by itself, and is leased ahead of campaigns.
    pub(crate) is_by_itself: bool,
}

/// One hold of a token, told from others of it by when it was made; `None`: an earlier version made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold(pub(crate) Option<UnixMicros>);

impl Hold {
    /// As end_direct.lua is told under which hold a message was made.
    fn of_message(self) -> String {
        self.0.map_or_else(|| "?".to_owned(), |at| at.0.to_string())
    }
}

/// Where a direct message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectPlace {
    /// It is queued under that id, and was made under that hold, which may be another than the one that is there now.
    Queued(MessageId, Hold),
    /// The campaign is full in this partition.
    Full,
    /// Its hold was undone before: it never will be queued.
    Undone,
}

/// A hold whose message may not have been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HalfDone {
    pub(crate) tenant: TenantId,
    pub(crate) token: Token,
    /// Campaign and partition of the message; `None`: nothing is held any more.
    pub(crate) place: Option<(CampaignId, Partition)>,
}

/// A message whose credits are to be held.
#[derive(Clone, Debug)]
pub(crate) struct DirectHold<'a> {
    pub(crate) tenant: TenantId,
    /// The direct campaign of the hour.
    pub(crate) campaign: CampaignId,
    pub(crate) token: Token,
    pub(crate) partition: Partition,
    pub(crate) credits: u64,
    /// What is taken of the tenant on its day.
    pub(crate) share: &'a Share,
}

/// What came of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectHeld {
    /// They are held under that campaign, now or since the same was asked before.
    Under(CampaignId, Hold),
    /// There are not enough.
    Short,
    /// As many messages as the day may have were taken.
    DayFull,
}

impl Store {
    /// Holds the credits of a message under its token.
    pub(crate) async fn hold_direct(&self, hold: &DirectHold<'_>, now: UnixMicros) -> Result<DirectHeld, StoreError> {
        let (tenant, token) = (hold.tenant, hold.token);
        let names = [
            keys::tenant(tenant),
            keys::holds(tenant),
            keys::campaign(tenant, hold.campaign),
            keys::daily(tenant),
        ];
        let mut call = self.script(Name::HoldDirect, &[&names[0], &names[1], &names[2], &names[3]]);
        call.arg(hold.credits).arg(token.hex()).arg(hold.campaign.0);
        call.arg(hold.partition.0).arg(&hold.share.arguments()).arg(now.0);
        // Listed first: a token that is listed and holds nothing costs a look, a hold that is not listed is lost.
        let mut list = redis::cmd("ZADD");
        list.arg(keys::HALF_DONE)
            .arg(now.seconds())
            .arg(format!("{}:{}", tenant.0, token.hex()));
        let mut replies = self.run(&self.bulk, vec![list, call]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let held = integer(&reply.next().unwrap_or_default())?;
        let since = bytes(reply.next().unwrap_or_default())?;
        let since = std::str::from_utf8(&since).ok().and_then(|since| since.parse().ok());
        Ok(match held {
            0 => DirectHeld::Short,
            held if held < 0 => DirectHeld::DayFull,
            held => DirectHeld::Under(CampaignId(held as u64), Hold(since.map(UnixMicros))),
        })
    }

    /// Queues a message, once for each token.
    pub(crate) async fn enqueue_direct(
        &self,
        message: &DirectMessage,
        now: UnixMicros,
    ) -> Result<DirectPlace, StoreError> {
        let partition = message.recipient.partition(self.partitions());
        let mut call = self.partition_script(Name::Direct, partition);
        call.arg(message.campaign.0)
            .arg(message.tenant.0)
            .arg(message.line.to_string())
            .arg(message.version)
            .arg(&message.row[..])
            .arg(&message.token.0[..])
            .arg(MessageId::positions_max(self.partitions()))
            .arg((now.seconds() as u32).to_string())
            .arg(message.hold.0.unwrap_or(now).0)
            .arg(
                message
                    .worth_until
                    .map(|until| (until.minute() + 1).to_string())
                    .unwrap_or_default(),
            )
            .arg(u8::from(message.is_by_itself));
        let mut replies = self.run(&self.bulk, vec![call]).await?;
        self.read_place(partition, &bytes(replies.pop().unwrap_or_default())?)
    }

    /// The message that a token made before, if it did, and under which hold.
    pub(crate) async fn direct_of(
        &self,
        recipient: Recipient,
        token: Token,
    ) -> Result<Option<(MessageId, Hold)>, StoreError> {
        let partition = recipient.partition(self.partitions());
        let mut get = redis::cmd("HGET");
        get.arg(format!("{}tok", self.base(partition))).arg(&token.0[..]);
        let mut replies = self.run(&self.bulk, vec![get]).await?;
        let known = replies.pop().unwrap_or_default();
        if known == Value::Nil {
            return Ok(None);
        }
        match self.read_place(partition, bytes(known)?.get(4..).unwrap_or_default())? {
            DirectPlace::Queued(id, hold) => Ok(Some((id, hold))),
            DirectPlace::Full | DirectPlace::Undone => Ok(None),
        }
    }

    fn read_place(&self, partition: Partition, reply: &[u8]) -> Result<DirectPlace, StoreError> {
        match reply {
            b"" => Ok(DirectPlace::Full),
            [b'-', ..] => Ok(DirectPlace::Undone),
            packed => {
                let bad = StoreError::Corrupt("a direct message's place");
                let (campaign, rest) = packed.split_first_chunk().ok_or(bad)?;
                let bad = StoreError::Corrupt("a direct message's place");
                let (position, hold) = rest.split_first_chunk().ok_or(bad)?;
                let (campaign, position) = (CampaignId(u64::from_be_bytes(*campaign)), u32::from_be_bytes(*position));
                let hold = hold.first_chunk().map(|octets| UnixMicros(u64::from_be_bytes(*octets)));
                let id = MessageId::new(campaign, partition, self.partitions(), position);
                Ok(DirectPlace::Queued(id, Hold(hold)))
            }
        }
    }

    /// Ends a token's hold: its message was made under that one; `None`, or under another: its credits are released.
    pub(crate) async fn end_direct(
        &self,
        tenant: TenantId,
        token: Token,
        made: Option<Hold>,
    ) -> Result<(), StoreError> {
        let made = made.map(Hold::of_message).unwrap_or_default();
        self.end_hold(tenant, token, &made).await
    }

    async fn end_hold(&self, tenant: TenantId, token: Token, made: &str) -> Result<(), StoreError> {
        let names = [keys::tenant(tenant), keys::holds(tenant)];
        let mut call = self.script(Name::EndDirect, &[&names[0], &names[1]]);
        call.arg(token.hex()).arg(made);
        self.run(&self.bulk, vec![call, self.unlist(tenant, token)])
            .await
            .map(drop)
    }

    /// Tokens older than `before_s`, seconds since 1970: whoever held them had time enough.
    pub(crate) async fn half_done(&self, before_s: u64) -> Result<Vec<HalfDone>, StoreError> {
        const STEP: usize = 100;
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range
            .arg(keys::HALF_DONE)
            .arg("-inf")
            .arg(before_s)
            .arg("LIMIT")
            .arg(0)
            .arg(STEP);
        let members: Vec<String> = self.ask(&range).await?;
        let mut found = Vec::with_capacity(members.len());
        for member in members {
            let named = member
                .split_once(':')
                .and_then(|(tenant, token)| Some((TenantId(tenant.parse().ok()?), Token::from_hex(token)?)));
            let (tenant, token) = named.ok_or(StoreError::Corrupt("a half done message"))?;
            let mut get = redis::cmd("HGET");
            let held: Option<String> = self.ask(get.arg(keys::holds(tenant)).arg(token.hex())).await?;
            let place = held.and_then(|held| {
                let mut parts = held.split(' ');
                let campaign = CampaignId(parts.next()?.parse().ok()?);
                Some((campaign, Partition(parts.next()?.parse().ok()?)))
            });
            found.push(HalfDone { tenant, token, place });
        }
        Ok(found)
    }

    /// Finishes or undoes a message that was left half done.
    pub(crate) async fn resolve_half_done(&self, half: &HalfDone, now: UnixMicros) -> Result<(), StoreError> {
        let Some((_, partition)) = half.place else {
            return self
                .run(&self.bulk, vec![self.unlist(half.tenant, half.token)])
                .await
                .map(drop);
        };
        let mut call = self.partition_script(Name::UndoDirect, partition);
        call.arg(&half.token.0[..]).arg(now.0);
        let mut replies = self.run(&self.bulk, vec![call]).await?;
        let made = bytes(replies.pop().unwrap_or_default())?;
        let made = String::from_utf8_lossy(&made);
        self.end_hold(half.tenant, half.token, &made).await
    }

    fn unlist(&self, tenant: TenantId, token: Token) -> redis::Cmd {
        let mut unlist = redis::cmd("ZREM");
        unlist.arg(keys::HALF_DONE).arg(format!("{}:{}", tenant.0, token.hex()));
        unlist
    }

    /// Forgets tokens older than `before_s`, seconds since 1970, a step of them. Returns the next cursor; 0: the end.
    pub(crate) async fn sweep_tokens(
        &self,
        partition: Partition,
        cursor: u64,
        before_s: u64,
    ) -> Result<u64, StoreError> {
        const STEP: usize = 500;
        let key = format!("{}tok", self.base(partition));
        let mut scan = redis::cmd("HSCAN");
        scan.arg(&key).arg(cursor).arg("COUNT").arg(STEP);
        let mut replies = self.run(&self.bulk, vec![scan]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let next = integer(&reply.next().unwrap_or_default())? as u64;
        let mut values = array(reply.next().unwrap_or_default())?.into_iter();
        let mut forget = redis::cmd("HDEL");
        forget.arg(&key);
        let mut old = 0;
        while let (Some(token), Some(value)) = (values.next(), values.next()) {
            let value = bytes(value)?;
            let at = value.first_chunk().map_or(0, |at| u32::from_be_bytes(*at));
            if u64::from(at) < before_s {
                forget.arg(bytes(token)?);
                old += 1;
            }
        }
        if old > 0 {
            self.run(&self.bulk, vec![forget]).await?;
        }
        Ok(next)
    }
}
