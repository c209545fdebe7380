//! What tests of several modules are about: a message.

use super::{CampaignId, GateId, Message, MessageId, Partition, Recipient, RouteId, SmscId, State, TenantId, Tries};

/// A leased message of that campaign, of that many segments, to one and the same recipient.
pub(crate) fn leased(campaign: u64, segments: u8) -> Message<'static> {
    Message {
        recipient: Recipient(33_612_345_678),
        state: State::Leased,
        moves: 0,
        epoch: 1,
        id: MessageId::new(CampaignId(campaign), Partition(0), 16, 0),
        attempts: 0,
        tenant: TenantId(1),
        route: RouteId(1),
        smsc: SmscId(1),
        lane: 1,
        capped: false,
        gate: GateId::OPEN,
        segments,
        credits: segments,
        tries: Tries::NONE,
        body: b"",
    }
}
