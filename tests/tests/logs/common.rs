//! A stand whose engine tells of itself, and what it has told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::Value;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A stand whose engine has these tables in its configuration.
pub(crate) fn stand(name: &str, tables: &[&str]) -> (Stand, EngineSettings) {
    stand_in(Lab::new(programs!(), name), tables)
}

/// The same, where the file of that name is on a disk that is full, until it is removed.
pub(crate) fn stand_of_a_full_disk((name, file): (&str, &str), table: &str) -> Stand {
    let lab = Lab::new(programs!(), name);
    std::os::unix::fs::symlink("/dev/full", lab.directory().join(file)).expect("make a link");
    stand_in(lab, &[table]).0
}

fn stand_in(lab: Lab, tables: &[&str]) -> (Stand, EngineSettings) {
    let mut settings = None;
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut made = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        made.tables = tables.iter().map(|table| (*table).to_owned()).collect();
        settings.insert(made).clone()
    });
    (stand, settings.expect("made with the stand"))
}

/// The lines of the engine's log so far.
pub(crate) fn lines(stand: &Stand) -> Vec<Value> {
    let log = stand.engine.process().log();
    let lines = log.lines().filter(|line| line.starts_with("{\"timestamp\""));
    lines.map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The first line of the log that `wanted` takes; waited for.
pub(crate) fn line(stand: &Stand, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, LIMIT, || lines(stand).into_iter().find(|line| wanted(line)))
}

/// A request with these heads, each with its end of line: what was answered, whole.
pub(crate) fn ask(address: &str, request: &str, heads: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(address).expect("the engine listens");
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{heads}\r\n{body}"
    );
    connection.write_all(text.as_bytes()).expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The same with the operator's key.
pub(crate) fn command_with_key(stand: &Stand, arguments: &[&str]) -> Output {
    asking(stand, arguments)
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key())
        .output()
        .expect("campanile runs")
}

/// `campanile` with these arguments, asking that engine.
pub(crate) fn command(stand: &Stand, arguments: &[&str]) -> Output {
    asking(stand, arguments).output().expect("campanile runs")
}

pub(crate) fn asking(stand: &Stand, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .args(arguments)
        .current_dir(stand.lab().directory())
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()));
    command
}

/// The lines of that file so far; one that is being written is none yet.
pub(crate) fn kept(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}
