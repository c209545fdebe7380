//! The scripts, each with what it needs in front, and the digests that call them.

use redis::Script;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Rows,
    Launch,
    Recut,
    Direct,
    UndoDirect,
    Lease,
    Swap,
    Apply,
    Halt,
    Look,
    Restore,
    Stop,
    Park,
    Unpark,
    Parts,
    Inbound,
    Beat,
    Grant,
    Hold,
    HoldDirect,
    EndDirect,
    Book,
    State,
    Begin,
    Claim,
    Conclude,
    Census,
    Waits,
    Places,
    Mend,
    SettleLost,
    OptIn,
    HandOver,
    Suspend,
    Transfer,
    Tenure,
    Rates,
    CheckIn,
    Clear,
    AddSender,
    Starting,
    SetRows,
    Counts,
    Recall,
    Permits,
    Near,
    Allow,
    Edit,
    PriceRows,
    Priced,
}

/// How a script is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// On a partition: with the prelude.
    Partition,
    /// On a partition, and run with Redis out of memory as well: it settles what is under way.
    Settling,
    /// Without the prelude.
    Plain,
    /// Without the prelude, out of memory as well.
    PlainSettling,
}

const PRELUDE: &str = include_str!("scripts/prelude.lua");

/// The first line of a script that may write when `maxmemory` is reached.
const ALLOW_OOM: &str = "#!lua flags=allow-oom\n";

macro_rules! scripts {
    ($($name:ident $kind:ident $file:literal,)*) => {
        [$((Name::$name, Kind::$kind, include_str!(concat!("scripts/", $file)))),*]
    };
}

const SOURCES: [(Name, Kind, &str); 50] = scripts![
    Rows Partition "rows.lua",
    Launch Partition "launch.lua",
    Recut Partition "recut.lua",
    Direct Partition "direct.lua",
    UndoDirect Partition "undo_direct.lua",
    Lease Partition "lease.lua",
    Swap PlainSettling "swap.lua",
    Apply Settling "apply.lua",
    Halt Settling "halt.lua",
    Look Partition "look.lua",
    Restore Settling "restore.lua",
    Stop Settling "stop.lua",
    Park Settling "park.lua",
    Unpark Settling "unpark.lua",
    Parts Settling "parts.lua",
    Inbound Settling "inbound.lua",
    Beat PlainSettling "beat.lua",
    Grant Plain "grant.lua",
    Hold Plain "hold.lua",
    HoldDirect Plain "hold_direct.lua",
    EndDirect PlainSettling "end_direct.lua",
    Book PlainSettling "book.lua",
    State PlainSettling "state.lua",
    Begin PlainSettling "begin.lua",
    Claim Plain "claim.lua",
    Conclude PlainSettling "conclude.lua",
    Census Settling "census.lua",
    Waits Partition "waits.lua",
    Places Partition "places.lua",
    Mend Settling "mend.lua",
    SettleLost PlainSettling "settle_lost.lua",
    OptIn Settling "opt_in.lua",
    HandOver Settling "hand_over.lua",
    Suspend Settling "suspend.lua",
    Transfer Plain "transfer.lua",
    Tenure PlainSettling "tenure.lua",
    Rates PlainSettling "rates.lua",
    CheckIn PlainSettling "check_in.lua",
    Clear Settling "clear.lua",
    AddSender Plain "add_sender.lua",
    Starting PlainSettling "starting.lua",
    SetRows Partition "set_rows.lua",
    Counts Plain "counts.lua",
    Recall Settling "recall.lua",
    Permits Settling "permits.lua",
    Near Plain "near.lua",
    Allow Settling "allow.lua",
    Edit Plain "edit.lua",
    PriceRows Partition "price_rows.lua",
    Priced Plain "priced.lua",
];

/// Every script, ready to be loaded and called.
pub(super) struct Scripts {
    sources: Vec<String>,
    digests: Vec<String>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let sources: Vec<String> = SOURCES.iter().map(|(_, kind, text)| source(*kind, text)).collect();
        let digests = sources
            .iter()
            .map(|source| Script::new(source).get_hash().to_owned())
            .collect();
        Self { sources, digests }
    }

    pub(super) fn sources(&self) -> &[String] {
        &self.sources
    }

    pub(super) fn digest(&self, name: Name) -> &str {
        &self.digests[name as usize]
    }
}

fn source(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Partition => format!("{PRELUDE}\n{text}"),
        Kind::Settling => format!("{ALLOW_OOM}{PRELUDE}\n{text}"),
        Kind::Plain => text.to_owned(),
        Kind::PlainSettling => format!("{ALLOW_OOM}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_names() {
        for (at, (name, _, _)) in SOURCES.iter().enumerate() {
            assert_eq!(*name as usize, at);
        }
    }
}
