//! Asks an engine, over either listener.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use ureq::Timeout;

use super::failure::Failure;
use super::target::{Target, Trust};
use crate::config::{Config, Console};

/// The file that is read when nobody names one.
const CONFIGURATION: &str = "campanile.toml";

/// Longer than every look takes, and than an engine itself waits for its Redis before it says that this is away.
const LOOK_WITHIN: Duration = Duration::from_secs(12);

/// Longer than all work takes: an id that is looked for in all records of millions.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// What an engine knows without asking anybody.
const REASONS_WITHIN: Duration = Duration::from_secs(3);

/// The longest answer that is read: a page of five hundred rows is a megabyte.
const ANSWER_OCTETS_MAX: u64 = 64 << 20;

/// For whom a reseller's key is shown.
const ACTS_FOR: &str = "x-tenant-id";

/// The longest key that is sent.
const KEY_OCTETS_MAX: usize = 256;

/// Which engine is asked, and how it answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Where {
    /// The operators' listener, such as http://127.0.0.1:9090. Default: CAMPANILE_ADMIN, or admin.listen of the configuration.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// A file with the operator's key, for what needs one. Default: CAMPANILE_OPERATOR_KEY, or api.operator_key_file of the
    /// configuration.
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// The configuration, TOML; only read for what is not said otherwise. Default: campanile.toml, if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    trust: Trust,
}

/// An engine that can be asked.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    key: Option<String>,
    /// For which of its tenants a reseller's key is shown.
    acts_for: Option<String>,
    language: &'static str,
    look_within: Duration,
}

impl Where {
    /// For what everybody may ask who reaches the listener.
    pub(super) fn open(&self) -> Result<Client, Failure> {
        self.client(&Console::of_environment(), None)
    }

    /// For what needs the operator's key.
    pub(super) fn open_with_key(&self) -> Result<Client, Failure> {
        let console = Console::of_environment();
        let key = operator_key((self.key_file.as_deref(), &console), self.config.as_deref())?;
        self.client(&console, Some(key))
    }

    /// The same, with a key that was found already.
    pub(super) fn open_with(&self, console: &Console, key: String) -> Result<Client, Failure> {
        self.client(console, Some(key))
    }

    /// Whether arguments name the operators' listener.
    pub(super) fn names_admin(&self) -> bool {
        self.admin.is_some()
    }

    fn client(&self, console: &Console, key: Option<String>) -> Result<Client, Failure> {
        let trust = self.trust.with_environment(console)?;
        let target = match (&self.admin, &console.admin) {
            (Some(url), _) => Target::of_url(url, "--admin", trust)?,
            (None, Some(url)) => Target::of_url(url, "CAMPANILE_ADMIN", trust)?,
            (None, None) => Target::of_config(&settings(self.config.as_deref())?, trust),
        };
        Client::at(&target, ANSWER_WITHIN, key)
    }
}

/// The operator's key: that of a file, of the environment, or of the configuration.
pub(super) fn operator_key(
    (file, console): (Option<&Path>, &Console),
    config: Option<&Path>,
) -> Result<String, Failure> {
    if let Some(file) = file {
        return read_key(file);
    }
    if let Some(key) = &console.key {
        return Ok(key.reveal().to_owned());
    }
    configured_key(config)?.ok_or_else(|| {
        Failure::Usage(
            "this needs the operator's key: --key-file FILE, CAMPANILE_OPERATOR_KEY, or api.operator_key_file of the \
             configuration (--config)"
                .to_owned(),
        )
    })
}

/// The key of whoever manages tenants, a reseller's or the operator's: that of a file, of the environment, where a reseller's goes
/// first, or of the configuration.
pub(super) fn manager_key(
    (file, console): (Option<&Path>, &Console),
    config: Option<&Path>,
) -> Result<String, Failure> {
    if let Some(file) = file {
        return read_key(file);
    }
    if let Some(key) = console.reseller_key.as_ref().or(console.key.as_ref()) {
        return Ok(key.reveal().to_owned());
    }
    configured_key(config)?.ok_or_else(|| {
        Failure::Usage(
            "this needs a reseller's key or the operator's: --key-file FILE, CAMPANILE_RESELLER_KEY, CAMPANILE_OPERATOR_KEY, or \
             api.operator_key_file of the configuration (--config)"
                .to_owned(),
        )
    })
}

fn configured_key(config: Option<&Path>) -> Result<Option<String>, Failure> {
    let file = settings(config)?.api.operator_key_file;
    file.map(|file| read_key(&file)).transpose()
}

/// What the configuration that is named, or the usual one, says of whom to ask; its defaults where there is none.
fn settings(config: Option<&Path>) -> Result<Config, Failure> {
    match config {
        Some(file) => Config::load_to_ask(file).map_err(Failure::Configuration),
        None if Path::new(CONFIGURATION).exists() => {
            Config::load_to_ask(Path::new(CONFIGURATION)).map_err(Failure::Configuration)
        }
        None => Ok(Config::default()),
    }
}

/// The key in a file.
pub(super) fn read_key(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("the key file {} cannot be read: {error}", file.display())))?;
    let key = text.lines().next().unwrap_or_default().trim();
    let is_key =
        (1..=KEY_OCTETS_MAX).contains(&key.len()) && key.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic());
    if is_key {
        Ok(key.to_owned())
    } else {
        Err(Failure::Usage(format!(
            "the first line of {} must be a key of 1 to {KEY_OCTETS_MAX} ASCII characters",
            file.display()
        )))
    }
}

impl Client {
    /// Whoever asks at that place with that key, and waits so long for an answer.
    pub(super) fn at(target: &Target, answer_within: Duration, key: Option<String>) -> Result<Self, Failure> {
        Ok(Self {
            agent: target.agent(answer_within)?,
            base: target.base().to_owned(),
            key,
            acts_for: None,
            language: "en",
            look_within: LOOK_WITHIN.min(answer_within),
        })
    }

    /// The same, answered in that language.
    pub(super) fn in_language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// The same, for a tenant of the reseller whose key is shown.
    pub(super) fn acting_for(self, tenant: Option<&str>) -> Self {
        let acts_for = tenant.map(str::to_owned);
        Self { acts_for, ..self }
    }

    /// Whom it asks.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// `GET` of what an engine has at hand: an engine that has not answered soon does not answer.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.with_key(self.agent.get(self.url(path)));
        let request = request.config().timeout_global(Some(self.look_within)).build();
        self.answer(request.call())
    }

    /// `GET` of what is looked for among all records, or counted from them.
    pub(super) fn search(&self, path: &str) -> Result<Value, Failure> {
        let request = self.with_key(self.agent.get(self.url(path)));
        self.answer(request.call())
    }

    /// `POST` with a JSON body.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.with_key(self.agent.post(self.url(path)));
        self.answer(request.content_type("application/json").send(&body.to_string()))
    }

    /// The same, done once however often it is asked for under that key.
    pub(super) fn post_once(&self, path: &str, body: &Value, once: Option<&str>) -> Result<Value, Failure> {
        // With its length: an order that needs no body is answered before one in pieces is sent to its end.
        self.answer(self.posting((path, once), "application/json").send(&body.to_string()))
    }

    /// `POST` with a file of that media type as its body.
    pub(super) fn send(
        &self,
        asked: (&str, Option<&str>),
        media_type: &str,
        file: &mut dyn Read,
    ) -> Result<Value, Failure> {
        self.answer(self.posting(asked, media_type).send(ureq::SendBody::from_reader(file)))
    }

    fn posting(
        &self,
        (path, once): (&str, Option<&str>),
        media_type: &str,
    ) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        let request = self.with_key(self.agent.post(self.url(path))).content_type(media_type);
        match once {
            Some(once) => request.header("idempotency-key", once),
            None => request,
        }
    }

    /// `GET`, or `POST` with that body: the answer, as it comes, goes to `output`.
    pub(super) fn download(&self, (path, body): (&str, Option<&Value>), output: &mut dyn Write) -> Result<(), Failure> {
        let answered = match body {
            Some(body) => {
                let request = self.with_key(self.agent.post(self.url(path)));
                request.content_type("application/json").send(&body.to_string())
            }
            None => self.with_key(self.agent.get(self.url(path))).call(),
        };
        let mut response = answered.map_err(|error| self.away(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(&mut response));
        }
        let copied = std::io::copy(&mut response.body_mut().as_reader(), output);
        let written = copied.and_then(|_| output.flush());
        written.map_err(|error| Failure::Away(format!("the file is not whole: {error}")))
    }

    /// `PUT` with a JSON body.
    pub(super) fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.with_key(self.agent.put(self.url(path)));
        self.answer(request.content_type("application/json").send(&body.to_string()))
    }

    /// `PATCH` with a JSON body.
    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.with_key(self.agent.patch(self.url(path)));
        self.answer(request.content_type("application/json").send(&body.to_string()))
    }

    /// `DELETE`: nothing is answered.
    pub(super) fn delete(&self, path: &str) -> Result<(), Failure> {
        let answered = self.with_key(self.agent.delete(self.url(path))).call();
        let mut response = answered.map_err(|error| self.away(&error))?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(self.refusal(&mut response)),
        }
    }

    /// `GET` of something that goes on for that long: each of its lines, as it comes, until `each` wants no more.
    pub(super) fn follow(
        &self,
        path: &str,
        length: Duration,
        mut each: impl FnMut(&str) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let request = self.with_key(self.agent.get(self.url(path)));
        let limits = request.config().timeout_global(Some(length + ANSWER_WITHIN));
        let request = limits.timeout_recv_response(Some(self.look_within)).build();
        let mut response = request.call().map_err(|error| self.away(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(&mut response));
        }
        for line in BufReader::new(response.body_mut().as_reader()).lines() {
            let line = line.map_err(|error| Failure::Away(format!("{} broke off: {error}", self.base)))?;
            if !each(&line)? {
                break;
            }
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn with_key<T>(&self, request: ureq::RequestBuilder<T>) -> ureq::RequestBuilder<T> {
        let request = request.header("accept-language", self.language);
        let request = match &self.acts_for {
            Some(tenant) => request.header(ACTS_FOR, tenant),
            None => request,
        };
        match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        }
    }

    fn answer(&self, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Failure> {
        let mut response = response.map_err(|error| self.away(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(&mut response));
        }
        let read = response
            .body_mut()
            .with_config()
            .limit(ANSWER_OCTETS_MAX)
            .read_to_string();
        let text = read.map_err(|error| self.away(&error))?;
        serde_json::from_str(&text)
            .map_err(|_| Failure::Other(format!("{} is no listener of a Campanile of this version", self.base)))
    }

    /// An answer that is no success; what is not ready for now is asked why.
    fn refusal(&self, response: &mut ureq::http::Response<ureq::Body>) -> Failure {
        let status = response.status().as_u16();
        let header = response.headers().get(ureq::http::header::RETRY_AFTER);
        let again_in = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let failure = Failure::of_answer(status, &text, again_in);
        match failure.is_for_now().then(|| self.reasons()).flatten() {
            Some(reasons) => failure.because(&reasons),
            None => failure,
        }
    }

    /// Why an engine is not ready, if its listener says so.
    fn reasons(&self) -> Option<String> {
        let request = self.agent.get(self.url("/readyz?verbose=1"));
        let request = request.config().timeout_global(Some(REASONS_WITHIN)).build();
        let text = request.call().ok()?.body_mut().read_to_string().ok()?;
        let document: Value = serde_json::from_str(&text).ok()?;
        let reasons = document["reasons"].as_array()?.iter();
        let words =
            reasons.filter_map(|reason| Some(format!("{}: {}", reason["code"].as_str()?, reason["detail"].as_str()?)));
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join("\n  "))
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "ureq's enums, which may grow")]
    fn away(&self, error: &ureq::Error) -> Failure {
        if let Some(problem) = Target::problem(error) {
            return Failure::Away(format!("no TLS with {}: {problem}", self.base));
        }
        let why = match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => "no connection in time".to_owned(),
            ureq::Error::Timeout(_) => {
                let hint = "what listens there takes connections and does not answer in time";
                return Failure::Away(format!("no engine answers at {}: {hint}", self.base));
            }
            ureq::Error::Protocol(_) if self.base.starts_with("http://") => {
                return Failure::Away(format!(
                    "what answers at {} does not speak HTTP: if it speaks TLS, ask it with https://",
                    self.base
                ));
            }
            other => other.to_string(),
        };
        Failure::Away(format!(
            "no engine answers at {}: {why}; is it running, and is this where it listens (--admin, --api)?",
            self.base
        ))
    }
}

/// Makes a text part of a path or a query.
pub(super) fn quoted(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_takes_connections_and_never_answers_is_not_waited_for_as_work_is() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let target = Target::of_url(&url, "--admin", Trust::default()).unwrap();
        let client = Client::at(&target, ANSWER_WITHIN, None).unwrap();
        assert_eq!(client.look_within, LOOK_WITHIN);
        let client = Client {
            look_within: Duration::from_millis(50),
            ..client
        };
        let said = client.get("/v1/status").unwrap_err().to_string();
        assert!(
            said.contains(&url) && said.contains("does not answer in time"),
            "{said}"
        );
        let said = client
            .follow("/v1/smscs/n/trace", LOOK_WITHIN, |_| Ok(true))
            .unwrap_err();
        assert!(said.to_string().contains("does not answer in time"), "{said}");
    }

    #[test]
    fn who_speaks_tls_is_to_be_asked_with_https() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = Target::of_url(&url, "--admin", Trust::default()).unwrap();
        let client = Client::at(&target, ANSWER_WITHIN, None).unwrap();
        let alert = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 16];
            stream.read_exact(&mut asked).unwrap();
            // A fatal alert: unexpected_message.
            stream.write_all(&[0x15, 3, 3, 0, 2, 2, 10]).unwrap();
        });
        let said = client.get("/v1/status").unwrap_err().to_string();
        assert!(said.contains("https://"), "{said}");
        alert.join().unwrap();
    }

    #[test]
    fn what_is_not_plain_is_quoted() {
        assert_eq!(quoted("a-Z.0_~"), "a-Z.0_~");
        assert_eq!(quoted("+33 é/?"), "%2B33%20%C3%A9%2F%3F");
    }
}
