//! Calls over the nodes of a cluster: what lies in one slot goes in one round trip, and partitions do not wait for each other.

use std::ops::Range;

use futures::future::join_all;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::Slot;
use redis::{Arg, Cmd, Pipeline, RedisResult, Value};

use super::super::keys;

/// Sends calls and puts their replies into the order of the calls. Those of partitions go at once; any others one after the
/// other, as they stand: one may be written for the next.
pub(super) async fn send(cluster: &ClusterConnection, calls: &Pipeline) -> RedisResult<Vec<RedisResult<Value>>> {
    let keys: Vec<Option<&[u8]>> = calls.cmd_iter().map(key).collect();
    if keys.iter().all(|key| key.is_some_and(keys::is_of_partition)) {
        return at_once(cluster, calls, &keys).await;
    }
    let calls: Vec<&Cmd> = calls.cmd_iter().collect();
    let mut replies = Vec::with_capacity(calls.len());
    for stretch in stretches(&keys) {
        if keys[stretch.clone()].iter().any(Option::is_some) {
            replies.extend(one_slot(cluster, calls[stretch].iter().copied()).await?);
            continue;
        }
        // For a server: each of them has to have it.
        for call in &calls[stretch] {
            replies.push(call.query_async(&mut cluster.clone()).await);
        }
    }
    Ok(replies)
}

async fn at_once(
    cluster: &ClusterConnection,
    calls: &Pipeline,
    keys: &[Option<&[u8]>],
) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut groups: Vec<(Slot, Vec<usize>)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let slot = Slot::for_key(key.unwrap_or_default());
        match groups.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, members)) => members.push(at),
            None => groups.push((slot, vec![at])),
        }
    }
    let calls: Vec<&Cmd> = calls.cmd_iter().collect();
    let sent = groups
        .iter()
        .map(|(_, members)| one_slot(cluster, members.iter().map(|at| calls[*at])));
    let mut replies: Vec<Option<RedisResult<Value>>> = keys.iter().map(|_| None).collect();
    for ((_, members), answered) in groups.iter().zip(join_all(sent).await) {
        match answered {
            Ok(answered) => {
                for (at, reply) in members.iter().zip(answered) {
                    replies[*at] = Some(reply);
                }
            }
            // Its node is away: the others have answered all the same.
            Err(error) => members.iter().for_each(|at| replies[*at] = Some(Err(error.clone()))),
        }
    }
    Ok(replies.into_iter().flatten().collect())
}

async fn one_slot(
    cluster: &ClusterConnection,
    calls: impl Iterator<Item = &Cmd>,
) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for call in calls {
        pipeline.add_command(call.clone());
    }
    pipeline.query_async(&mut cluster.clone()).await
}

/// Neighbours of one slot. What has no key goes where its neighbour goes.
fn stretches(keys: &[Option<&[u8]>]) -> Vec<Range<usize>> {
    let mut stretches: Vec<(Option<Slot>, Range<usize>)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let slot = key.map(Slot::for_key);
        match stretches.last_mut() {
            Some((of, last)) if of.is_none() || slot.is_none() || *of == slot => {
                *of = of.or(slot);
                last.end = at + 1;
            }
            Some(_) | None => stretches.push((slot, at..at + 1)),
        }
    }
    stretches.into_iter().map(|(_, stretch)| stretch).collect()
}

/// The first key of a call. All that it touches is in the same slot.
fn key(call: &Cmd) -> Option<&[u8]> {
    call.args_iter().find_map(|arg| match arg {
        Arg::Simple(text) => text.starts_with(keys::PREFIX).then_some(text),
        Arg::Cursor | _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str]) -> Cmd {
        let mut call = redis::cmd(words[0]);
        call.arg(&words[1..]);
        call
    }

    #[test]
    fn a_call_goes_by_its_first_key() {
        let of = |words: &[&str]| key(&call(words)).map(|key| String::from_utf8(key.to_vec()).unwrap());
        assert_eq!(of(&["EVALSHA", "00ff", "1", "c:{p3}:", "c:x"]).unwrap(), "c:{p3}:");
        assert_eq!(of(&["MEMORY", "USAGE", "c:{p1}:jr"]).unwrap(), "c:{p1}:jr");
        assert_eq!(of(&["SCRIPT", "LOAD", "return 1"]), None);
    }

    #[test]
    fn neighbours_of_one_slot_go_together() {
        let keys: Vec<Option<&[u8]>> = [
            Some("c:{t1}:a"),
            Some("c:{t1}:b"),
            Some("c:retire"),
            None,
            None,
            Some("c:{t1}:a"),
        ]
        .map(|key| key.map(str::as_bytes))
        .to_vec();
        assert_eq!(stretches(&keys), [0..2, 2..5, 5..6]);
        assert_eq!(stretches(&keys[3..]).len(), 1);
    }
}
