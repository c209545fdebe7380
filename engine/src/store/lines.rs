//! Which lines there are.

use redis::Value;

use super::queues::line;
use super::{Store, StoreError, array, bytes};
use crate::domain::{Line, Partition};

impl Store {
    /// The lines with something queued or deferred, in each partition.
    pub(crate) async fn lines(&self) -> Result<Vec<(Partition, Vec<Line>)>, StoreError> {
        let lines = self.lines_within_reach().await?.into_iter();
        lines.map(|(partition, lines)| Ok((partition, lines?))).collect()
    }

    /// The same, of each partition by itself: some may be away.
    pub(crate) async fn lines_within_reach(
        &self,
    ) -> Result<Vec<(Partition, Result<Vec<Line>, StoreError>)>, StoreError> {
        let get = |partition| {
            let mut members = redis::cmd("SMEMBERS");
            members.arg(format!("{}lines", self.base(partition)));
            members
        };
        let replies = self
            .run_each(&self.leases, self.all_partitions().map(get).collect())
            .await?;
        let read = |reply: Result<Value, StoreError>| -> Result<Vec<Line>, StoreError> {
            let entries = array(reply?)?.into_iter();
            entries
                .map(|entry| line(Value::BulkString(bytes(entry)?.get(1..).unwrap_or_default().to_vec())))
                .collect()
        };
        Ok(self.all_partitions().zip(replies.into_iter().map(read)).collect())
    }
}
