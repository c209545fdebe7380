//! Which lines there are.

use redis::Value;

use super::queues::line;
use super::{Store, StoreError, array, bytes};
use crate::domain::{Line, Partition};

impl Store {
    /// The lines with something queued or deferred, in each partition.
    pub(crate) async fn lines(&self) -> Result<Vec<(Partition, Vec<Line>)>, StoreError> {
        let get = |partition| {
            let mut members = redis::cmd("SMEMBERS");
            members.arg(format!("{}lines", self.base(partition)));
            members
        };
        let replies = self.run(&self.leases, self.all_partitions().map(get).collect()).await?;
        let read = |reply| -> Result<Vec<Line>, StoreError> {
            let entries = array(reply)?.into_iter();
            entries
                .map(|entry| line(Value::BulkString(bytes(entry)?.get(1..).unwrap_or_default().to_vec())))
                .collect()
        };
        self.all_partitions()
            .zip(replies)
            .map(|(partition, reply)| Ok((partition, read(reply)?)))
            .collect()
    }
}
