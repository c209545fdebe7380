//! Wireshark's opinion about octets: what a decoder that is not ours finds in them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// One PDU as Wireshark dissects it: every field with its value as it prints it. The names are those of its display
/// filters, `smpp.message_id` for one; fields of one name keep the order of the PDU.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    fields: Vec<(String, String)>,
    /// Whether it gave up in the middle.
    pub malformed: bool,
}

impl Decoded {
    /// The first field of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.0 == name)
            .map(|field| field.1.as_str())
    }

    /// Every field of that name: optional parameters come several times.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |field| field.0 == name);
        named.map(|field| field.1.as_str())
    }

    /// A field that is a number, printed in decimal or as `0x…`.
    pub fn number(&self, name: &str) -> Option<u32> {
        let text = self.get(name)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        Some(number.unwrap_or_else(|error| panic!("{name} is {text:?}: {error}")))
    }

    /// A field that is octets, printed as `69:64:3a`.
    pub fn octets(&self, name: &str) -> Vec<u8> {
        let printed = self.get(name).unwrap_or_default();
        let octets = printed.split(':').filter(|octet| !octet.is_empty());
        octets
            .map(|octet| u8::from_str_radix(octet, 16).unwrap_or_else(|error| panic!("{name} is {printed:?}: {error}")))
            .collect()
    }
}

/// Whether the programs of other projects are to be left out; says so.
pub fn skipped() -> bool {
    #[allow(clippy::disallowed_methods, reason = "CAMPANILE_PEERS belongs to the tests alone")]
    let skipped = std::env::var("CAMPANILE_PEERS").is_ok_and(|value| value == "skip");
    if skipped {
        eprintln!("SKIPPED: CAMPANILE_PEERS=skip, so nothing was shown to tshark");
    }
    skipped
}

/// The PDUs that Wireshark finds in each frame. Every frame is dissected for itself, so one that is malformed spoils
/// no other. One run of the program for all: it takes a second to start.
///
/// # Panics
/// text2pcap or tshark is missing (`scripts/install-peers.sh` installs them) or cannot make sense of the frames.
pub fn decode(frames: &[Vec<u8>]) -> Vec<Vec<Decoded>> {
    let capture = run(
        "text2pcap",
        &["-q", "-F", "pcap", "-P", "smpp", "-", "-"],
        hex_dump(frames).into_bytes(),
    );
    let json = run("tshark", &["-r", "-", "-T", "json", "--no-duplicate-keys"], capture);
    let packets: Vec<Value> = serde_json::from_slice(&json).unwrap();
    assert_eq!(packets.len(), frames.len(), "a packet for every frame");
    packets
        .iter()
        .map(|packet| pdus(&packet["_source"]["layers"]))
        .collect()
}

/// As text2pcap reads it: offsets and octets in hexadecimal; an offset of 0 begins a frame.
fn hex_dump(frames: &[Vec<u8>]) -> String {
    let mut dump = String::new();
    for frame in frames {
        for (line, octets) in frame.chunks(16).enumerate() {
            write!(dump, "{:06x}", line * 16).unwrap();
            octets.iter().for_each(|octet| write!(dump, " {octet:02x}").unwrap());
            dump.push('\n');
        }
    }
    dump
}

fn run(program: &str, arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program} (scripts/install-peers.sh installs it): {error}"));
    let mut stdin = child.stdin.take().unwrap();
    // Written from a thread of its own: neither side waits for the other with a full pipe.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {said}");
    writer
        .join()
        .unwrap()
        .unwrap_or_else(|error| panic!("{program} did not read all: {error}: {said}"));
    output.stdout
}

fn pdus(layers: &Value) -> Vec<Decoded> {
    let malformed = layers.get("_ws.malformed").is_some() || layers.get("_ws.short").is_some();
    let layer = &layers["smpp"];
    let each = layer.as_array().cloned().unwrap_or_else(|| vec![layer.clone()]);
    let decoded = |pdu: &Value| {
        let mut fields = Vec::new();
        flatten("", pdu, &mut fields);
        Decoded { fields, malformed }
    };
    each.iter().map(decoded).collect()
}

fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    if let Some(object) = value.as_object() {
        object.iter().for_each(|(name, value)| flatten(name, value, fields));
    } else if let Some(array) = value.as_array() {
        array.iter().for_each(|value| flatten(name, value, fields));
    } else if let Some(text) = value.as_str() {
        fields.push((name.to_owned(), text.to_owned()));
    }
}
