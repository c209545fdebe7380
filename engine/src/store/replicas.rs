//! Waiting until replicas have a lease, so that a fail-over to one of them knows of it.

use redis::Value;

use super::{Store, StoreError, integer};
use crate::domain::Partition;

/// How long the server waits for its replicas at a time, in milliseconds: what else goes over that connection waits as well.
const AT_A_TIME_MS: u32 = 100;

/// Whether a lease outlives its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As many replicas have it as have to.
    Safe,
    /// So many have it by now.
    By(u32),
    /// The server that answers does not know it: it is another one.
    Unknown,
}

impl Store {
    /// How many replicas must have a lease before anything of it is handed over: `redis.wait_replicas`.
    pub(crate) fn wait_replicas(&self) -> u32 {
        self.shared.wait_replicas
    }

    /// Waits a moment for replicas to have the lease of that number.
    pub(crate) async fn wait_for_replicas(
        &self,
        partition: Partition,
        (epoch, number): (u32, u64),
    ) -> Result<Kept, StoreError> {
        let base = self.base(partition);
        let mut known = redis::cmd("HGET");
        known.arg(format!("{base}leases")).arg(epoch);
        // Written behind the lease on this very connection: whoever has this has the lease.
        let mut mark = redis::cmd("SET");
        mark.arg(format!("{base}waited")).arg(number);
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.shared.wait_replicas).arg(AT_A_TIME_MS);
        let mut replies = self.run(&self.leases, vec![known, mark, wait]).await?;
        let have = integer(&replies.pop().unwrap_or_default())? as u32;
        if !is_lease(&replies.swap_remove(0), number) {
            return Ok(Kept::Unknown);
        }
        Ok(if have >= self.shared.wait_replicas {
            Kept::Safe
        } else {
            Kept::By(have)
        })
    }
}

/// Its number stands in front of what it handed out.
fn is_lease(stored: &Value, number: u64) -> bool {
    let Value::BulkString(stored) = stored else {
        return false;
    };
    let digits = stored.split(|octet| *octet == b':').next();
    digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()) == Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_known_by_its_number() {
        let stored = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        assert!(is_lease(&stored("17:t..."), 17) && is_lease(&stored("17:"), 17));
        assert!(!is_lease(&stored("16:"), 17) && !is_lease(&Value::Nil, 17) && !is_lease(&stored("x"), 17));
    }
}
