//! What Redis says of itself (`INFO`), asked over its unix socket so that asking costs it one command and no library.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A busy Redis answers in microseconds; this long means that it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// An INFO is some 6 KB; more than this is something else.
const INFO_LENGTH_MAX: usize = 1024 * 1024;

/// The parts of INFO that the figures need.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RedisInfo {
    /// `redis_version`.
    pub(crate) version: String,
    /// `used_memory`: bytes given out by Redis's allocator.
    pub(crate) used_memory_bytes: u64,
    /// `lazyfree_pending_objects`: deleted and not yet given back.
    pub(crate) lazyfree_pending: u64,
    /// `used_cpu_user` + `used_cpu_sys`: CPU seconds of all its threads.
    pub(crate) cpu_seconds: f64,
    /// The same of the thread that runs the commands; absent before Redis 7.
    pub(crate) main_thread_cpu_seconds: Option<f64>,
}

/// Asks the Redis behind `socket`.
///
/// # Errors
/// It does not answer in [`PATIENCE`], or answers something else than INFO.
pub(crate) fn read(socket: &Path) -> Result<RedisInfo> {
    let text = ask(socket).with_context(|| format!("no INFO from Redis at {}", socket.display()))?;
    parse(&text).context("Redis's INFO lacks a field")
}

/// One RESP request, one bulk string back.
fn ask(socket: &Path) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"*1\r\n$4\r\nINFO\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let length: usize = head
        .strip_prefix('$')
        .and_then(|n| n.trim_end().parse().ok())
        .context(head.clone())?;
    ensure!(length <= INFO_LENGTH_MAX, "an INFO of {length} bytes");
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    Ok(String::from_utf8(text)?)
}

fn parse(info: &str) -> Option<RedisInfo> {
    let value = |name: &str| {
        let after = |line: &'_ str| {
            line.strip_prefix(name)?
                .strip_prefix(':')
                .map(|value| value.trim().to_owned())
        };
        info.lines().find_map(after)
    };
    let seconds = |user: &str, sys: &str| -> Option<f64> {
        let (user, sys): (f64, f64) = (value(user)?.parse().ok()?, value(sys)?.parse().ok()?);
        Some(user + sys)
    };
    Some(RedisInfo {
        version: value("redis_version")?,
        used_memory_bytes: value("used_memory")?.parse().ok()?,
        lazyfree_pending: value("lazyfree_pending_objects")?.parse().ok()?,
        cpu_seconds: seconds("used_cpu_user", "used_cpu_sys")?,
        main_thread_cpu_seconds: seconds("used_cpu_user_main_thread", "used_cpu_sys_main_thread"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n\
                        lazyfree_pending_objects:3\r\n# CPU\r\nused_cpu_sys:1.5\r\nused_cpu_user:2.25\r\n";

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = parse(INFO).unwrap();
        assert_eq!(info.version, "7.0.15");
        assert_eq!(info.used_memory_bytes, 1_048_576);
        assert_eq!(info.lazyfree_pending, 3);
        assert!((info.cpu_seconds - 3.75).abs() < 1e-9);
        assert_eq!(info.main_thread_cpu_seconds, None);
    }

    #[test]
    fn the_main_thread_is_read_where_it_is_told() {
        let text = format!("{INFO}used_cpu_sys_main_thread:0.5\r\nused_cpu_user_main_thread:0.25\r\n");
        assert_eq!(parse(&text).unwrap().main_thread_cpu_seconds, Some(0.75));
    }

    #[test]
    fn something_else_is_none() {
        assert_eq!(parse("redis_version:7\r\n"), None);
    }
}
