//! The scripts, each with the prelude in front, and the digests that call them.

use redis::Script;

/// Which script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Enqueue,
    EnqueueDirect,
    Lease,
    Answer,
    Release,
    Doubt,
    Decide,
    Expire,
    Cancel,
    Receipt,
    Park,
    Unpark,
    Halt,
    Drain,
    Grant,
    Hold,
    HoldDirect,
    Settle,
    State,
}

const PRELUDE: &str = include_str!("scripts/prelude.lua");

/// Name and source; those on partitions have the prelude in front of them.
const SOURCES: [(Name, &str, bool); 19] = [
    (Name::Enqueue, include_str!("scripts/enqueue.lua"), true),
    (Name::EnqueueDirect, include_str!("scripts/enqueue_direct.lua"), true),
    (Name::Lease, include_str!("scripts/lease.lua"), true),
    (Name::Answer, include_str!("scripts/answer.lua"), true),
    (Name::Release, include_str!("scripts/release.lua"), true),
    (Name::Doubt, include_str!("scripts/doubt.lua"), true),
    (Name::Decide, include_str!("scripts/decide.lua"), true),
    (Name::Expire, include_str!("scripts/expire.lua"), true),
    (Name::Cancel, include_str!("scripts/cancel.lua"), true),
    (Name::Receipt, include_str!("scripts/receipt.lua"), true),
    (Name::Park, include_str!("scripts/park.lua"), true),
    (Name::Unpark, include_str!("scripts/unpark.lua"), true),
    (Name::Halt, include_str!("scripts/halt.lua"), true),
    (Name::Drain, include_str!("scripts/drain.lua"), true),
    (Name::Grant, include_str!("scripts/grant.lua"), false),
    (Name::Hold, include_str!("scripts/hold.lua"), false),
    (Name::HoldDirect, include_str!("scripts/hold_direct.lua"), false),
    (Name::Settle, include_str!("scripts/settle.lua"), false),
    (Name::State, include_str!("scripts/state.lua"), false),
];

/// Every script, ready to be loaded and called.
pub(super) struct Scripts {
    sources: Vec<String>,
    digests: Vec<String>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let source = |(_, text, on_partition): &(Name, &str, bool)| {
            if *on_partition {
                format!("{PRELUDE}\n{text}")
            } else {
                (*text).to_owned()
            }
        };
        let sources: Vec<String> = SOURCES.iter().map(source).collect();
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
