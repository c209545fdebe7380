//! Engines that have said, on the server that a partition is on now, what they had leased in it.

use super::connection::read;
use super::scripts::Name;
use super::{Store, StoreError};
use crate::domain::Partition;

/// What an engine says of itself when it checks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastLease {
    /// The epoch that it began with.
    pub(crate) first_epoch: u32,
    /// The one that it leases under in the partition.
    pub(crate) epoch: u32,
    /// The number of its last lease there; 0: none.
    pub(crate) number: u64,
}

/// What it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CheckedIn {
    /// It has.
    On {
        /// The server's run id.
        server: String,
        /// Who else has, and on which server.
        others: Vec<(u32, String)>,
    },
    /// The database is older than what this engine has seen of it: it knows the lease of that number as the last.
    Older(u64),
}

impl CheckedIn {
    /// The server, when all of these have checked in there.
    pub(crate) fn when_all(self, living: &[u32]) -> Option<String> {
        let Self::On { server, others } = self else {
            return None;
        };
        let has = |engine: &u32| others.iter().any(|(epoch, at)| epoch == engine && *at == server);
        living.iter().all(has).then_some(server)
    }
}

impl Store {
    /// Checks in.
    pub(crate) async fn check_in(&self, partition: Partition, last: LastLease) -> Result<CheckedIn, StoreError> {
        let mut call = self.partition_script(Name::CheckIn, partition);
        call.arg(last.first_epoch).arg(last.epoch).arg(last.number);
        let reply = self.run(&self.leases, vec![call]).await?.pop().unwrap_or_default();
        let words: Vec<String> = read(reply)?;
        let unknown = StoreError::Corrupt("whether an engine has checked in");
        match &words[..] {
            [word, known] if word == "older" => Ok(CheckedIn::Older(known.parse().map_err(|_| unknown)?)),
            [word, server, others @ ..] if word == "in" => {
                let pairs = others.chunks_exact(2);
                Ok(CheckedIn::On {
                    server: server.clone(),
                    others: pairs
                        .filter_map(|pair| Some((pair[0].parse().ok()?, pair[1].clone())))
                        .collect(),
                })
            }
            _ => Err(unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_live_have_to_be_on_the_same_server() {
        let heard = |server: &str| CheckedIn::On {
            server: server.to_owned(),
            others: vec![(1, "new".to_owned()), (2, "old".to_owned())],
        };
        assert_eq!(heard("new").when_all(&[1]).as_deref(), Some("new"));
        assert_eq!(heard("new").when_all(&[1, 2]), None);
        assert_eq!(heard("old").when_all(&[3]), None);
        assert_eq!(CheckedIn::Older(4).when_all(&[]), None);
    }
}
