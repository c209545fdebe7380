//! One server a folder, whatever was left there.

use tokio::process::Child;

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("campanile-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// What a server says of itself.
async fn pid(server: &Embedded) -> u32 {
    let info: String = redis::from_redis_value(server.told(&["INFO", "server"]).await).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:"));
    let pid = pid.unwrap().trim().parse().unwrap();
    assert_eq!(server.server.pid(), Some(pid), "the shell has made way for the server");
    pid
}

/// The engine is gone, its server is not: as after `kill -9`, but for the watcher, which is dead too.
async fn leave_behind(mut server: Embedded) -> (Child, PathBuf) {
    server.server.dismiss_watcher().await;
    let Embedded { server, folder } = server;
    (server.into_child().unwrap(), folder.socket())
}

/// What it prints tells which store these tests ran on.
#[tokio::test]
async fn the_server_says_what_it_is_and_has_its_settings() {
    let scratch = Scratch::new("introduced");
    let server = Embedded::start(&scratch.0).await.unwrap();
    let found = crate::store::inspect(&server.servers().unwrap()).await.unwrap();
    println!("store: {}", found.server);
    assert_ne!(found.server, "of no version");
    assert_eq!(found.settings.unwrap()["appendonly"], "yes");
}

#[tokio::test]
async fn a_folder_has_one_engine_and_the_second_is_told_which() {
    let scratch = Scratch::new("folder-taken");
    let first = Embedded::start(&scratch.0).await.unwrap();
    let refused = Embedded::start(&scratch.0).await.unwrap_err().to_string();
    let holder = format!("is used by process {}", std::process::id());
    assert!(refused.contains(&holder), "{refused}");
    // The first one's socket is where it was.
    assert_eq!(first.told(&["PING"]).await, redis::Value::SimpleString("PONG".into()));
    let stop = CancellationToken::new();
    stop.cancel();
    first.supervise(stop).await;
    Embedded::start(&scratch.0).await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_left_behind_is_taken_on_with_all_that_it_has() {
    let scratch = Scratch::new("left-behind");
    let mut first = Embedded::start(&scratch.0).await.unwrap();
    first.told(&["SET", "kept", "yes"]).await;
    let old = pid(&first).await;
    let mut before = std::os::unix::net::UnixStream::connect(first.folder.socket()).unwrap();
    // What the system does to an engine's pipes when it is killed.
    first.server.break_pipe();
    let Embedded { server, folder } = first;
    let mut orphan = server.into_child().unwrap();
    drop(folder);
    let second = Embedded::start(&scratch.0).await.unwrap();
    assert_eq!(pid(&second).await, old);
    assert_eq!(
        second.told(&["GET", "kept"]).await,
        redis::Value::BulkString(b"yes".into())
    );
    let end = std::io::Read::read(&mut before, &mut [0; 8]).unwrap();
    assert_eq!(end, 0, "what was connected before is not any more");
    // The first one's watcher has nothing to end; the second's end ends it in order.
    let ended = tokio::time::timeout(Duration::from_secs(10), orphan.wait()).await;
    assert!(ended.is_err(), "it was ended behind its new engine's back: {ended:?}");
    let stop = CancellationToken::new();
    stop.cancel();
    second.supervise(stop).await;
    assert!(orphan.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_server_that_was_taken_on_ends_with_its_engine_as_well() {
    let scratch = Scratch::new("left-again");
    let first = Embedded::start(&scratch.0).await.unwrap();
    let (mut orphan, _) = leave_behind(first).await;
    let mut second = Embedded::start(&scratch.0).await.unwrap();
    second.server.break_pipe();
    let ended = tokio::time::timeout(Duration::from_secs(20), orphan.wait()).await;
    assert!(ended.expect("the server ends").unwrap().success());
}

#[tokio::test]
async fn a_server_that_is_to_be_started_afresh_or_with_other_settings_takes_the_place_of_one_that_was_left() {
    let scratch = Scratch::new("afresh");
    let first = Embedded::start(&scratch.0).await.unwrap();
    first.told(&["SET", "kept", "yes"]).await;
    let old = pid(&first).await;
    let (mut orphan, _) = leave_behind(first).await;
    let second = Embedded::start_afresh(&scratch.0).await.unwrap();
    assert!(orphan.try_wait().unwrap().is_some(), "the first server has ended");
    assert_ne!(pid(&second).await, old);
    assert_eq!(
        second.told(&["GET", "kept"]).await,
        redis::Value::BulkString(b"yes".into())
    );
    let (mut orphan, socket) = leave_behind(second).await;
    std::fs::write(socket.with_file_name("redis.signed"), "--appendonly no 1").unwrap();
    let third = Embedded::start(&scratch.0).await.unwrap();
    assert!(orphan.try_wait().unwrap().is_some(), "the second server has ended");
    drop(third);
}

#[tokio::test]
async fn a_server_without_its_socket_is_known_by_its_pid_file() {
    let scratch = Scratch::new("no-socket");
    let first = Embedded::start(&scratch.0).await.unwrap();
    let (mut orphan, socket) = leave_behind(first).await;
    std::fs::remove_file(socket).unwrap();
    let second = Embedded::start(&scratch.0).await.unwrap();
    assert!(orphan.try_wait().unwrap().is_some(), "the first server has ended");
    drop(second);
}

#[tokio::test]
async fn a_pid_that_is_now_somebody_elses_is_left_alone() {
    let scratch = Scratch::new("pid-again");
    std::fs::create_dir_all(&scratch.0).unwrap();
    std::fs::write(scratch.0.join("redis.pid"), std::process::id().to_string()).unwrap();
    let server = Embedded::start(&scratch.0).await.unwrap();
    pid(&server).await;
}

#[tokio::test]
async fn a_server_with_another_folder_is_left_alone() {
    let (scratch, other) = (Scratch::new("foreign"), Scratch::new("foreign-other"));
    let stranger = Embedded::start(&other.0).await.unwrap();
    std::fs::create_dir_all(&scratch.0).unwrap();
    std::os::unix::fs::symlink(stranger.folder.socket(), scratch.0.join("redis.sock")).unwrap();
    let fault = Embedded::start(&scratch.0).await.unwrap_err();
    assert!(matches!(fault, EmbeddedFault::Foreign { .. }), "{fault}");
    assert_eq!(
        stranger.told(&["PING"]).await,
        redis::Value::SimpleString("PONG".into())
    );
}

#[tokio::test]
async fn a_server_ends_with_the_pipe_of_its_engine() {
    let scratch = Scratch::new("watcher");
    let mut server = Embedded::start(&scratch.0).await.unwrap();
    // What the system does to an engine's pipes when it is killed.
    server.server.break_pipe();
    let Embedded { server, .. } = server;
    let ended = tokio::time::timeout(Duration::from_secs(20), server.into_child().unwrap().wait()).await;
    assert!(ended.expect("the server ends").unwrap().success());
}

#[tokio::test]
async fn a_server_whose_folder_is_gone_ends_as_well() {
    let scratch = Scratch::new("gone");
    let mut server = Embedded::start(&scratch.0).await.unwrap();
    server.server.break_pipe();
    let Embedded { server, .. } = server;
    std::fs::remove_file(scratch.0.join("redis.signed")).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), server.into_child().unwrap().wait()).await;
    assert!(ended.expect("the server ends").unwrap().success());
}

#[tokio::test]
async fn a_server_that_ends_by_itself_is_started_again() {
    let scratch = Scratch::new("restarted");
    let server = Embedded::start(&scratch.0).await.unwrap();
    let (url, old) = (server.url(), pid(&server).await);
    let file = server.folder.pid_file();
    let stop = CancellationToken::new();
    let supervising = tokio_util::task::TaskTracker::new().spawn(server.supervise(stop.clone()));
    orphan::terminate(old).await;
    let started_again = async {
        loop {
            let pid = std::fs::read_to_string(&file).unwrap_or_default().trim().parse::<u32>();
            let client = redis::Client::open(url.clone()).unwrap();
            if pid.is_ok_and(|pid| pid != old) && client.get_multiplexed_async_connection().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), started_again)
        .await
        .unwrap();
    // And stays: nobody ends it but the stop.
    let after = std::fs::read_to_string(&file).unwrap();
    let probe = redis::Client::open(url).unwrap();
    let mut connection = probe.get_multiplexed_async_connection().await.unwrap();
    // The server itself holds this answer back for a while: it lives through that, or the answer is an error.
    let mut wait = redis::cmd("BLPOP");
    wait.arg("nothing").arg(0.2);
    assert_eq!(
        wait.query_async::<redis::Value>(&mut connection).await.unwrap(),
        redis::Value::Nil
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
    stop.cancel();
    supervising.await.unwrap();
    assert!(!file.exists(), "it ended in order");
}
