//! Which lines there are, and how much waits in each.

use redis::Value;

use super::queues::line;
use super::{Store, StoreError, array, bytes, integer};
use crate::domain::{Line, Partition};

/// What is queued for a line, for gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) line: Line,
    /// Rows in spans.
    pub(crate) queued: u64,
    /// Messages that are deferred or wait behind another.
    pub(crate) deferred: u64,
}

impl Store {
    /// What is queued and deferred, by line, over all partitions: for gauges.
    pub(crate) async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        let get = |partition| {
            let base = self.base(partition);
            let (mut depth, mut lines) = (redis::cmd("HGETALL"), redis::cmd("SMEMBERS"));
            depth.arg(format!("{base}depth"));
            lines.arg(format!("{base}lines"));
            [depth, lines]
        };
        let replies = self
            .run(&self.bulk, self.all_partitions().flat_map(get).collect())
            .await?;
        let mut depths = Vec::new();
        let mut due = Vec::new();
        for (partition, pair) in self.all_partitions().zip(replies.chunks(2)) {
            let mut fields = array(pair[0].clone())?.into_iter();
            while let (Some(name), Some(count)) = (fields.next(), fields.next()) {
                add_depth(&mut depths, line(name)?, (integer(&count)?.max(0) as u64, 0));
            }
            for entry in array(pair[1].clone())? {
                if let Some(name) = bytes(entry)?.strip_prefix(b"d") {
                    due.push((partition, line(Value::BulkString(name.to_vec()))?));
                }
            }
        }
        let count = |(partition, line): &(Partition, Line)| {
            let mut count = redis::cmd("ZCARD");
            count.arg(format!("{}due:{line}", self.base(*partition)));
            count
        };
        if !due.is_empty() {
            let counts = self.run(&self.bulk, due.iter().map(count).collect()).await?;
            for ((_, line), count) in due.iter().zip(counts) {
                add_depth(&mut depths, *line, (0, integer(&count)? as u64));
            }
        }
        Ok(depths)
    }

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

fn add_depth(depths: &mut Vec<Depth>, line: Line, (queued, deferred): (u64, u64)) {
    match depths.iter_mut().find(|depth| depth.line == line) {
        Some(depth) => {
            depth.queued += queued;
            depth.deferred += deferred;
        }
        None => depths.push(Depth { line, queued, deferred }),
    }
}
