//! What Redis has is kept and brought back as deploy/README.md says, to a server under deploy/redis/redis.conf.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, programs};
use lab::{Process, Processes, Site};
use serde_json::{Value, json};

use crate::deploy::common::{repository, run};

const LIMIT: Duration = Duration::from_secs(60);

const MESSAGES: usize = 300;

/// A server as operators would have it, but on a socket of its own.
fn redis(folder: &Path) -> (Process, String) {
    let socket = folder.join("redis.sock");
    let mut command = Command::new("redis-server");
    command
        .arg(repository().join("deploy/redis/redis.conf"))
        .args(["--port", "0", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(folder);
    let site = Site::new(&Processes::default(), folder);
    let server = site.start("restored", command).expect("start redis-server");
    let answers = || Ok(ask(&socket, "PING").filter(|said| said == "PONG"));
    server.wait_at_start("answer", answers).expect("Redis is ready");
    (server, format!("unix://{}", socket.display()))
}

fn ask(socket: &Path, command: &str) -> Option<String> {
    let output = Command::new("redis-cli")
        .arg("-s")
        .arg(socket)
        .arg(command)
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `campanile` with these arguments beside the engine's configuration.
fn campanile(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs!().engine);
    command.args(arguments).current_dir(lab.directory());
    command.output().expect("campanile runs")
}

/// What it shows with `--json`.
#[track_caller]
fn shown(lab: &Lab, arguments: &[&str]) -> Value {
    let output = campanile(lab, &[arguments, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON alone")
}

/// That it does nothing, with that exit code, and says that.
#[track_caller]
fn refused(lab: &Lab, arguments: &[&str], (code, word): (i32, &str)) {
    let output = campanile(lab, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(word), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
}

/// What lies in the test's folder under names that begin with a dot: nothing half done is left.
fn left_over(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("list the folder").flatten();
    let hidden = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
    hidden.map(|entry| entry.path()).collect()
}

#[test]
fn what_was_kept_is_brought_back_and_nothing_is_lost_or_sent_twice() {
    let mut settings = None;
    let mut stand = Stand::under(Lab::new(programs!(), "deploy-backup"), "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address()).line("rate = \"100/s\"");
        settings
            .insert(EngineSettings::new(Some(redis.url()), vec![smsc]))
            .clone()
    });
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 20, LIMIT);
    let folder = stand.lab().directory().to_owned();
    let place = folder.join("elsewhere");

    // What it sends after a backup would be sent again.
    let works = (1, "an engine works on this database");
    refused(stand.lab(), &["backup", "campanile.tar"], works);
    assert!(!folder.join("campanile.tar").exists());

    assert!(stand.engine.shut_down().success());
    let sent = stand.sim.totals().accepted;
    assert!(sent < MESSAGES as u64, "nothing was left to send");

    // Other files take the place of those that are kept, meanwhile or just before.
    ask(&folder.join("redis/redis.sock"), "BGREWRITEAOF").expect("Redis answers");
    let kept = shown(stand.lab(), &["backup", "campanile.tar"]);
    assert_eq!(
        (&kept["format"], &kept["program"]),
        (&json!(1), &json!("0.1.0")),
        "{kept}"
    );
    assert_eq!(kept["file"], "campanile.tar");
    for key in ["created_at", "database"] {
        assert!(kept[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {kept}");
    }
    let files = kept["files"].as_array().expect("files");
    let octets: u64 = files.iter().filter_map(|file| file["size"].as_u64()).sum();
    assert!(octets > 0 && kept["octets"] == octets, "{kept}");
    let manifest = files.last().and_then(|file| file["name"].as_str());
    assert_eq!(manifest, Some("appendonlydir/appendonly.aof.manifest"));

    let archive = std::fs::metadata(folder.join("campanile.tar")).expect("it is there");
    assert_eq!(
        archive.mode() & 0o777,
        0o600,
        "numbers and texts are its owner's to read"
    );

    refused(stand.lab(), &["backup", "campanile.tar"], (1, "is there already"));
    let again = shown(stand.lab(), &["backup", "campanile.tar", "--force"]);
    assert_eq!(again["database"], kept["database"]);
    // Others can look into it, and see the same.
    let listed = run(Command::new("tar")
        .args(["-xOf"])
        .arg(folder.join("campanile.tar"))
        .arg("backup.json"));
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed["files"], again["files"]);
    assert_eq!(left_over(&folder), [] as [PathBuf; 0]);

    let looked = shown(stand.lab(), &["restore", "campanile.tar", "--verify"]);
    assert_eq!(looked["files"], again["files"]);
    let restored = shown(stand.lab(), &["restore", "campanile.tar", "--to", "elsewhere"]);
    assert_eq!(
        (&restored["files"], &restored["folder"]),
        (&again["files"], &json!("elsewhere"))
    );
    let once_more = ["restore", "campanile.tar", "--to", "elsewhere"];
    refused(stand.lab(), &once_more, (1, "elsewhere is not empty"));
    assert_eq!(left_over(&place), [] as [PathBuf; 0]);

    let (_server, url) = redis(&place);
    let settings = EngineSettings {
        redis_url: Some(url),
        ..settings.expect("made with the stand")
    };
    stand.engine.restart_with(&settings);
    // Its settings are those that the engine wants.
    let standing = stand.engine.admin().get("/readyz?verbose=1").expect(200);
    assert_eq!(standing["redis_loss_allowed"], json!([]));
    let log = stand.engine.process().log();
    assert!(!log.contains("hash-max-listpack-entries"), "{log}");
    stand.all_delivered(&campaign, MESSAGES, LIMIT);
}

#[test]
fn an_archive_that_is_not_whole_is_refused_before_anything_is_written() {
    let stand = Stand::new(programs!(), "deploy-backup-damaged", "", |smsc| smsc);
    assert!(stand.engine.shut_down().success());
    let (lab, folder) = (stand.lab(), stand.lab().directory());
    shown(lab, &["backup", "campanile.tar"]);
    let octets = std::fs::read(folder.join("campanile.tar")).expect("read the archive");
    let mut changed = octets.clone();
    // In the first file's data, behind its header of a block.
    changed[520] ^= 1;
    let cases: [(&str, &[u8], &str); 4] = [
        ("cut.tar", &octets[..octets.len() / 2], "cut.tar is not restored: it "),
        ("changed.tar", &changed, "is not what was kept"),
        ("empty.tar", &[], "backup.json is missing at its end"),
        ("words.tar", &[b'x'; 4_096], "it does not begin as a tar file does"),
    ];
    for (name, octets, word) in cases {
        std::fs::write(folder.join(name), octets).expect("write a file");
        refused(lab, &["restore", name, "--verify"], (1, word));
        refused(lab, &["restore", name, "--to", "elsewhere"], (1, word));
        assert!(!folder.join("elsewhere").exists(), "{name}");
    }
    refused(lab, &["restore", "none.tar", "--verify"], (1, "No such file"));
    refused(lab, &["restore", "campanile.tar"], (2, "--to"));
    // Whatever is in a folder stays what it is.
    std::fs::create_dir(folder.join("elsewhere")).expect("make a folder");
    std::fs::write(folder.join("elsewhere/letter"), "mine").expect("write a file");
    refused(
        lab,
        &["restore", "campanile.tar", "--to", "elsewhere"],
        (1, "elsewhere is not empty"),
    );
    let kept = std::fs::read_dir(folder.join("elsewhere")).expect("list it").count();
    assert_eq!(kept, 1);
}

#[test]
fn a_redis_whose_data_cannot_be_reached_is_named_with_what_to_do() {
    let stand = Stand::new(programs!(), "deploy-backup-away", "", |smsc| smsc);
    assert!(stand.engine.shut_down().success());
    let (lab, folder) = (stand.lab(), stand.lab().directory());
    // On another machine, its folder is not here, or another one of that name is.
    let elsewhere = ["backup", "campanile.tar", "--data", "nowhere"];
    refused(
        lab,
        &elsewhere,
        (4, "nowhere/appendonlydir, which cannot be read from here"),
    );
    std::fs::create_dir(folder.join("other")).expect("make a folder");
    run(Command::new("cp")
        .arg("-r")
        .arg(folder.join("redis/appendonlydir"))
        .arg(folder.join("other")));
    let other = ["backup", "campanile.tar", "--data", "other"];
    refused(lab, &other, (1, "is not what Redis at"));
    shown(lab, &["backup", "campanile.tar", "--data", "redis"]);

    stand.redis.kill();
    refused(lab, &["backup", "second.tar"], (4, "cannot use Redis at"));
    refused(
        lab,
        &["backup", "second.tar", "--config", "none.toml"],
        (3, "none.toml"),
    );
    assert!(!folder.join("second.tar").exists());
}

#[test]
fn the_data_of_an_embedded_redis_are_kept_and_brought_back() {
    let lab = Lab::new(programs!(), "deploy-backup-embedded");
    let sim = lab.sim("");
    let settings = EngineSettings::new(None, vec![SmscSettings::new("north", sim.smpp_address())]);
    let mut engine = lab.engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 100);
    let campaign = tenant.launch(&engine, 100);
    campaign.wait(&engine, "all is delivered", LIMIT, |view| {
        view.status("delivered") == 100
    });
    refused(&lab, &["backup", "campanile.tar"], (1, "stop the engine first"));
    assert!(engine.shut_down().success());
    shown(&lab, &["backup", "campanile.tar"]);
    whose_the_folder_is(&lab);
    shown(&lab, &["restore", "campanile.tar", "--to", "other"]);
    // The master key is in no backup.
    let [kept, wanted] = ["data", "other"].map(|folder| lab.directory().join(folder).join("campanile.key"));
    std::fs::copy(kept, wanted).expect("copy the key file");
    let settings = EngineSettings {
        redis_lines: vec!["data_dir = \"other\"".to_owned()],
        ..settings
    };
    engine.restart_with(&settings);
    assert_eq!(campaign.view(&engine).status("delivered"), 100);
    assert!(engine.shut_down().success());
    // Where no engine has been, nothing is begun.
    std::fs::remove_dir_all(lab.directory().join("other")).expect("remove a folder");
    refused(&lab, &["backup", "second.tar"], (1, "has no data"));
    assert!(!lab.directory().join("other").exists());
}

/// Only root can give folders to others: where the tests run as somebody else, this is not looked at.
fn whose_the_folder_is(lab: &Lab) {
    let (data, given) = (lab.directory().join("data"), lab.directory().join("given"));
    std::fs::create_dir(&given).expect("make a folder");
    let owner = std::fs::metadata(&data).expect("look at the folder").uid();
    let give = |path: &Path, to: u32| std::os::unix::fs::chown(path, Some(to), None);
    if give(&data, owner + 1).is_err() {
        return;
    }
    refused(lab, &["backup", "second.tar"], (1, "run this as that user"));
    give(&data, owner).expect("as it was");

    give(&given, owner + 1).expect("root may");
    shown(lab, &["restore", "campanile.tar", "--to", "given"]);
    for path in ["appendonlydir", "appendonlydir/appendonly.aof.manifest"] {
        let restored = std::fs::metadata(given.join(path)).expect("it is there");
        assert_eq!(restored.uid(), owner + 1, "{path}");
    }
}
