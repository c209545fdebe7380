//! Whether the user of `redis.url` may do all that an engine does: what is missing is said at once, and not one by one as it is needed.
//!
//! Commands are queued in a transaction that is given up: the server looks at the rights to each as it is queued, and none is ever run.

use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use super::servers::Servers;
use super::{StoreError, keys};

/// How long a server is waited for.
const WITHIN: Duration = Duration::from_secs(5);

/// A key as an engine has them, that is never there.
const KEY: &str = "c:{p0}:rights";

/// Every command of the store and of its scripts, with as many arguments as it takes. `CONFIG GET` and `BGREWRITEAOF` are not among them: a
/// server that does not let its settings be read is trusted, and writes its file anew by itself.
const CALLS: [&[&str]; 68] = [
    &["DEL", KEY],
    &["EVALSHA", "0000000000000000000000000000000000000000", "1", KEY],
    &["EXISTS", KEY],
    &["EXPIRE", KEY, "1"],
    &["GET", KEY],
    &["GETRANGE", KEY, "0", "0"],
    &["HDEL", KEY, "field"],
    &["HEXISTS", KEY, "field"],
    &["HGET", KEY, "field"],
    &["HGETALL", KEY],
    &["HINCRBY", KEY, "field", "1"],
    &["HKEYS", KEY],
    &["HLEN", KEY],
    &["HMGET", KEY, "field"],
    &["HSCAN", KEY, "0"],
    &["HSET", KEY, "field", "value"],
    &["HSETNX", KEY, "field", "value"],
    &["HVALS", KEY],
    &["INFO", "memory"],
    &["LINDEX", KEY, "0"],
    &["LINSERT", KEY, "BEFORE", "pivot", "value"],
    &["LLEN", KEY],
    &["LPOP", KEY],
    &["LPOS", KEY, "value"],
    &["LPUSH", KEY, "value"],
    &["LRANGE", KEY, "0", "0"],
    &["LREM", KEY, "1", "value"],
    &["LSET", KEY, "0", "value"],
    &["LTRIM", KEY, "0", "0"],
    &["MEMORY", "USAGE", KEY],
    &["PEXPIRE", KEY, "1"],
    &["PING"],
    &["PTTL", KEY],
    &["PUBLISH", keys::BELL, "word"],
    &["RPUSH", KEY, "value"],
    &["SADD", KEY, "member"],
    &["SCARD", KEY],
    &["SCRIPT", "LOAD", "return 0"],
    &["SET", KEY, "value"],
    &["SETRANGE", KEY, "0", "value"],
    &["SISMEMBER", KEY, "member"],
    &["SMEMBERS", KEY],
    &["SMISMEMBER", KEY, "member"],
    &["SPOP", KEY],
    &["SRANDMEMBER", KEY],
    &["SREM", KEY, "member"],
    &["SSCAN", KEY, "0"],
    &["SUBSCRIBE", keys::BELL],
    &["TIME"],
    &["UNLINK", KEY],
    &["WAIT", "0", "1"],
    &["XADD", KEY, "*", "field", "value"],
    &["XDEL", KEY, "0-1"],
    &["XINFO", "STREAM", KEY],
    &["XRANGE", KEY, "-", "+"],
    &["XREVRANGE", KEY, "+", "-"],
    &["XTRIM", KEY, "MINID", "0"],
    &["ZADD", KEY, "1", "member"],
    &["ZCARD", KEY],
    &["ZRANGE", KEY, "0", "0"],
    &["ZRANGEBYSCORE", KEY, "0", "0"],
    &["ZREM", KEY, "member"],
    &["ZREMRANGEBYRANK", KEY, "0", "0"],
    &["ZREMRANGEBYSCORE", KEY, "0", "0"],
    &["ZREVRANGE", KEY, "0", "0"],
    &["ZREVRANGEBYSCORE", KEY, "0", "0"],
    &["ZSCAN", KEY, "0"],
    &["ZSCORE", KEY, "member"],
];

/// Looks.
///
/// # Errors
/// What the user lacks, all of it, as `ACL SETUSER` takes it; or that the server is not there.
pub(super) async fn check(servers: &Servers) -> Result<(), StoreError> {
    let lacking = lacking(servers).await?;
    if lacking.is_empty() {
        return Ok(());
    }
    let denied = ErrorKind::Server(ServerErrorKind::NoPerm);
    let what = format!("ACL SETUSER <user> {}", lacking.join(" "));
    Err(RedisError::from((denied, "the user of redis.url lacks rights", what)).into())
}

/// Such as `+hset`, `~c:*`, `&c:bell`. Nothing, where the server does not let us try.
async fn lacking(servers: &Servers) -> Result<Vec<String>, StoreError> {
    let mut connection = servers.one_of_them(WITHIN).await?;
    let begun: RedisResult<Value> = redis::cmd("MULTI").query_async(&mut connection).await;
    match begun.map_err(StoreError::from) {
        // What comes behind it would be run.
        Err(StoreError::Refused(_)) => return Ok(Vec::new()),
        begun => drop(begun?),
    }
    let mut calls = redis::pipe();
    calls.ignore_errors();
    for words in CALLS {
        let mut call = redis::cmd(words[0]);
        calls.add_command(call.arg(&words[1..]).clone());
    }
    calls.add_command(redis::cmd("DISCARD"));
    let replies: Vec<RedisResult<Value>> = calls.query_async(&mut connection).await?;
    let asked = CALLS.iter().zip(&replies);
    let denied =
        asked.filter_map(|(words, reply)| Some((words, reply.as_ref().err().filter(|error| is_denied(error))?)));
    let mut lacking: Vec<String> = denied.map(|(words, error)| right(words, &error.to_string())).collect();
    lacking.sort_unstable();
    lacking.dedup();
    Ok(lacking)
}

fn is_denied(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
}

/// The right that a refusal is about.
fn right(words: &[&str], said: &str) -> String {
    if said.contains("access a key") || said.contains("access one of the keys") {
        return format!("~{}*", String::from_utf8_lossy(keys::PREFIX));
    }
    if said.contains("access a channel") || said.contains("access one of the channels") {
        return format!("&{}", keys::BELL);
    }
    match words {
        ["MEMORY" | "SCRIPT" | "XINFO", kind, ..] => format!("+{}|{}", words[0], kind).to_lowercase(),
        _ => format!("+{}", words[0]).to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    use super::*;

    /// Those of the look itself, of clusters, of the server that is the engine's own, and those that may be refused.
    const OTHERS: [&str; 7] = [
        "BGREWRITEAOF",
        "BLPOP",
        "CLIENT",
        "CLUSTER",
        "CONFIG",
        "DISCARD",
        "MULTI",
    ];

    fn commands(folder: &Path, pattern: &Regex, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                commands(&path, pattern, found);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.extend(pattern.captures_iter(&text).map(|one| one[1].to_owned()));
            }
        }
    }

    #[test]
    fn every_command_of_the_store_and_its_scripts_is_asked_for() {
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
        let mut used = BTreeSet::new();
        commands(&store, &Regex::new(r#"redis::cmd\("([A-Z]+)""#).unwrap(), &mut used);
        commands(
            &store.join("scripts"),
            &Regex::new(r#"call\(\s*['"]([A-Z]+)['"]"#).unwrap(),
            &mut used,
        );
        let asked: BTreeSet<String> = CALLS.iter().map(|words| words[0].to_owned()).collect();
        let missing: Vec<&String> = used
            .iter()
            .filter(|one| !asked.contains(*one) && !OTHERS.contains(&one.as_str()))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_right_is_said_as_a_rule_has_it() {
        assert_eq!(
            right(&["HSET", KEY], "User a has no permissions to run the 'hset' command"),
            "+hset"
        );
        assert_eq!(
            right(
                &["SCRIPT", "LOAD", "x"],
                "no permissions to run the 'script|load' command"
            ),
            "+script|load"
        );
        assert_eq!(right(&["GET", KEY], "No permissions to access a key"), "~c:*");
        assert_eq!(
            right(&["PUBLISH", "c:bell"], "No permissions to access a channel"),
            "&c:bell"
        );
    }
}
