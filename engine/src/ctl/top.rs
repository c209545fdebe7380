//! `campanile top`: the status page, alive.

use std::io::{IsTerminal, stdin, stdout};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Wrap};
use serde_json::Value;

use super::client::{Client, Where};
use super::failure::Failure;
use super::output::{cell, print};
use super::status::{facts, row, smscs_of, tenant_row, tenants_of};
use crate::clock::Clock;
use crate::config::{Console, time};

/// More often is only work.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// How long a key or an answer waits at most until it is looked at.
const TICK: Duration = Duration::from_millis(100);

/// An answer that takes longer is said to be waited for.
const SOON: Duration = Duration::from_secs(2);

/// Lines of a table that are no rows: its title, and its head.
const SMSCS_ABOVE: u16 = 2;
/// See [`SMSCS_ABOVE`]: a head of two lines.
const SPEEDS_ABOVE: u16 = 3;
/// See [`SPEEDS_ABOVE`].
const TENANTS_ABOVE: u16 = 3;

/// The widest column of SMSCs' names.
const NAME_MAX: usize = 24;

/// A screen that is drawn anew again and again.
#[derive(Clone, Debug, Args)]
pub(crate) struct Top {
    /// How often it is asked, 100ms or more.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    #[command(flatten)]
    at: Where,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    if interval < INTERVAL_MIN {
        return Err("100ms or more".to_owned());
    }
    Ok(interval)
}

/// Counts of one look, for what is new at the next.
struct Look {
    status: Value,
    at: Instant,
}

/// What is on the screen.
#[derive(Default)]
struct Screen {
    /// Whom it asks.
    base: String,
    now: Option<Look>,
    before: Option<Look>,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
    /// Why the last look failed.
    fault: Option<Failure>,
    plain: bool,
}

/// Asks from a thread of its own, so that keys are heard while nobody answers. The thread ends with the look that it is at when
/// this is dropped.
struct Asker {
    ask: SyncSender<()>,
    answers: Receiver<Result<Value, Failure>>,
    /// An answer is still to come.
    is_waiting: bool,
}

impl Top {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.at.json {
            return self.lines();
        }
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return Err(Failure::Usage(
                "top needs a terminal; for a program or a file there are top --json and campanile status".to_owned(),
            ));
        }
        let client = self.at.open()?;
        let mut screen = Screen {
            base: client.base().to_owned(),
            plain: Console::of_environment().plain,
            ..Screen::default()
        };
        let mut terminal = ratatui::try_init().map_err(screen_fault)?;
        let ended = self.show(&mut terminal, Asker::new(client), &mut screen);
        ratatui::restore();
        ended?;
        // Whoever has seen nothing but that is told by the exit code, too.
        match (screen.now, screen.fault) {
            (None, Some(fault)) => Err(fault),
            (Some(_), _) | (None, None) => Ok(()),
        }
    }

    /// A line of JSON for each look; one look, when nobody looks on.
    fn lines(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        loop {
            let status = client.get("/v1/status")?;
            if !print(&format!("{status}\n"))? || !stdout().is_terminal() {
                return Ok(());
            }
            thread::sleep(self.interval);
        }
    }

    fn show(
        &self,
        terminal: &mut ratatui::DefaultTerminal,
        mut asker: Asker,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let clock = Clock::new();
        let mut next = clock.now();
        loop {
            if let Some(answer) = asker.answer() {
                screen.hear(answer, clock.now());
            }
            let now = clock.now();
            if now >= next && asker.ask() {
                screen.asked = Some(now);
                next = now + self.interval;
            }
            terminal
                .draw(|frame| screen.draw(frame, clock.now()))
                .map_err(screen_fault)?;
            if event::poll(TICK).map_err(screen_fault)? && is_end(&event::read().map_err(screen_fault)?) {
                return Ok(());
            }
        }
    }
}

impl Asker {
    fn new(client: Client) -> Self {
        // One look at a time.
        let (ask, asked) = mpsc::sync_channel(1);
        let (told, answers) = mpsc::sync_channel(1);
        thread::spawn(
            move || {
                while asked.recv().is_ok() && told.send(client.get("/v1/status")).is_ok() {}
            },
        );
        Self {
            ask,
            answers,
            is_waiting: false,
        }
    }

    /// Asks, unless an answer is still to come.
    fn ask(&mut self) -> bool {
        let asks = !self.is_waiting && self.ask.try_send(()).is_ok();
        self.is_waiting |= asks;
        asks
    }

    /// The answer, if it is there.
    fn answer(&mut self) -> Option<Result<Value, Failure>> {
        let answer = match self.answers.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(Failure::Other("nobody asks any more".to_owned())),
        };
        self.is_waiting = false;
        Some(answer)
    }
}

fn screen_fault(error: std::io::Error) -> Failure {
    Failure::Other(format!("the terminal: {error}"))
}

/// The one of these that has the same value there.
fn find(all: &[Value], key: &str, one: &Value) -> Option<Value> {
    all.iter().find(|other| other[key] == one[key]).cloned()
}

/// q, Esc or Ctrl-C.
fn is_end(event: &Event) -> bool {
    let Some(key) = event.as_key_event().filter(|key| key.kind == KeyEventKind::Press) else {
        return false;
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || control && key.code == KeyCode::Char('c')
}

/// How many rows each table has of what is left, one after the other: at least one each, and no more than it wants while
/// another wants more.
fn shares(left: u16, wanted: [usize; 3]) -> [u16; 3] {
    let mut rows = [1; 3];
    for _ in 3..left {
        let next = (0..3).filter(|table| usize::from(rows[*table]) < wanted[*table]);
        // What nobody wants is left below the last.
        rows[next.min_by_key(|table| rows[*table]).unwrap_or(2)] += 1;
    }
    rows
}

/// Its SMSCs, those in trouble first: they are seen where there is no room for all.
fn by_trouble(status: &Value) -> Vec<&Value> {
    let mut smscs: Vec<&Value> = smscs_of(status).iter().collect();
    smscs.sort_by_key(|smsc| is_well(smsc));
    smscs
}

fn is_well(smsc: &Value) -> bool {
    smsc["state"] == "running" && smsc["usable"] == true
}

/// Whether a line of the head says that there is nothing.
fn says_nothing(value: &str) -> bool {
    matches!(value, "" | "-" | "none") || value.parse() == Ok(0.0)
}

/// The lines of the head: where rows lack so many, those that say nothing make room, the last first.
fn with_room(mut facts: Vec<(&'static str, String)>, lacking: usize) -> Vec<(&'static str, String)> {
    for _ in 0..lacking {
        match facts.iter().rposition(|(_, value)| says_nothing(value)) {
            Some(at) => drop(facts.remove(at)),
            None => break,
        }
    }
    facts
}

/// The title of a table, with how many rows had no room.
fn title(of: &str, rows: usize, room: u16) -> String {
    match rows.saturating_sub(room.into()) {
        0 => of.to_owned(),
        hidden => format!("{of}: {hidden} more, no room here"),
    }
}

/// The name of a status in two lines of six characters.
fn head_of(status: &str) -> String {
    let short = match status {
        "delivered" => "deli-\nvered",
        "transmission_failed" => "trans.\nfailed",
        "reception_error" => "recep.\nerror",
        "unknown_number" => "unkn.\nnumber",
        "transmitted" => "trans-\nmitted",
        "recredited" => "recre-\ndited",
        other => return other.replacen('_', "\n", 1),
    };
    short.to_owned()
}

fn two_lines(heads: impl IntoIterator<Item = String>) -> Row<'static> {
    Row::new(heads.into_iter().map(Text::from).collect::<Vec<_>>()).height(2)
}

impl Screen {
    fn hear(&mut self, answer: Result<Value, Failure>, at: Instant) {
        self.asked = None;
        match answer {
            Ok(status) => {
                self.before = self.now.replace(Look { status, at });
                self.fault = None;
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// What does not answer.
    fn trouble(&self, now: Instant) -> Option<String> {
        let waited = self.asked.map(|asked| now.saturating_duration_since(asked));
        match (&self.fault, waited) {
            (Some(fault), _) => Some(fault.to_string()),
            (None, Some(waited)) if waited >= SOON => {
                let seconds = waited.as_secs();
                Some(format!("{} has not answered for {seconds} s", self.base))
            }
            (None, _) if self.now.is_none() => Some(format!("{} is asked", self.base)),
            (None, _) => None,
        }
    }

    fn draw(&self, frame: &mut Frame, at: Instant) {
        let trouble = self.trouble(at);
        let said = match &trouble {
            Some(trouble) => Paragraph::new(format!("q ends it. {trouble}"))
                .style(self.style(Color::Red))
                .wrap(Wrap { trim: true }),
            None => Paragraph::new("q ends it"),
        };
        let said_lines = if trouble.is_some() { 3 } else { 1 };
        let Some(now) = &self.now else {
            frame.render_widget(said, frame.area());
            return;
        };
        let facts = facts(&now.status);
        let (smscs, tenants) = (smscs_of(&now.status).len(), tenants_of(&now.status).len());
        let tables = 1 + SMSCS_ABOVE + SPEEDS_ABOVE + TENANTS_ABOVE + said_lines;
        let wanted = facts.len() + usize::from(tables) + 2 * smscs.max(1) + tenants.max(1);
        let facts = with_room(facts, wanted.saturating_sub(frame.area().height.into()));
        let above = facts.len() as u16 + tables;
        let rows = shares(frame.area().height.saturating_sub(above), [smscs, smscs, tenants]);
        let heights = [
            facts.len() as u16 + 1,
            SMSCS_ABOVE + rows[0],
            SPEEDS_ABOVE + rows[1],
            TENANTS_ABOVE + rows[2],
            said_lines,
        ];
        let areas: [Rect; 5] = Layout::vertical(heights.map(Constraint::Length)).areas(frame.area());
        let lines: Vec<Line> = facts
            .iter()
            .map(|(what, value)| Line::from(format!("{what:<20} {value}")))
            .collect();
        let ready = now.status["ready"] == true;
        let style = self.style(if ready { Color::Green } else { Color::Red });
        let about = block("campanile".to_owned()).border_style(style);
        frame.render_widget(Paragraph::new(lines).block(about), areas[0]);
        frame.render_widget(self.smscs(now).block(block(title("SMSCs", smscs, rows[0]))), areas[1]);
        let speeds = block(title("a second, by status", smscs, rows[1]));
        frame.render_widget(self.speeds(now).block(speeds), areas[2]);
        let by_tenant = block(title("tenants", tenants, rows[2]));
        frame.render_widget(self.tenants(now).block(by_tenant), areas[3]);
        frame.render_widget(said, areas[4]);
    }

    fn smscs(&self, now: &Look) -> Table<'_> {
        let head = ["SMSC", "STATE", "BINDS", "IN FLIGHT", "WINDOW", "RATE", "LAST ERROR"];
        let rows = by_trouble(&now.status).into_iter().map(|smsc| {
            let style = if is_well(smsc) {
                Style::new()
            } else {
                self.style(Color::Yellow)
            };
            Row::new(row(smsc)).style(style)
        });
        let widths = [name_width(now), 10, 7, 9, 7, 10].map(Constraint::Length);
        let widths: Vec<Constraint> = widths.into_iter().chain([Constraint::Fill(1)]).collect();
        Table::new(rows, widths).header(Row::new(head))
    }

    /// What was submitted and which statuses were reached a second, since the look before.
    fn speeds(&self, now: &Look) -> Table<'_> {
        let names: Vec<&String> = smscs_of(&now.status)
            .first()
            .and_then(|smsc| smsc["statuses"].as_object())
            .map(|statuses| statuses.keys().collect())
            .unwrap_or_default();
        let mut head = vec!["SMSC".to_owned(), "sub-\nmitted".to_owned()];
        head.extend(names.iter().map(|name| head_of(name)));
        let rows = by_trouble(&now.status).into_iter().map(|smsc| {
            let same = |status: &Value| find(smscs_of(status), "name", smsc);
            let mut cells = vec![cell(&smsc["name"]), self.a_second(smsc, &same, &["submitted"])];
            cells.extend(names.iter().map(|name| self.a_second(smsc, &same, &["statuses", name])));
            Row::new(cells)
        });
        let widths = [name_width(now), 6].map(Constraint::Length).into_iter();
        let widths = widths.chain(names.iter().map(|_| Constraint::Length(6)));
        Table::new(rows, widths.collect::<Vec<_>>()).header(two_lines(head))
    }

    /// Tenants whose messages wait, and the busiest: as the engine shows them that has the duty.
    fn tenants(&self, now: &Look) -> Table<'_> {
        let rows = tenants_of(&now.status).iter().map(|tenant| {
            let same = |status: &Value| find(tenants_of(status), "tenant", tenant);
            let speeds = ["transmitted", "delivered"].map(|name| self.a_second(tenant, &same, &["statuses", name]));
            Row::new(tenant_row(tenant).into_iter().chain(speeds))
        });
        let head = [
            "TENANT",
            "NAME",
            "QUEUED",
            "OLDEST\ns",
            "AVAIL-\nABLE",
            "HELD",
            "trans-\nmitted/s",
            "deli-\nvered/s",
        ];
        // An id has 16 or 17 characters; the name has what is left.
        let widths = [17, 0, 7, 6, 9, 7, 8, 7].map(|width| match width {
            0 => Constraint::Fill(1),
            width => Constraint::Length(width),
        });
        Table::new(rows, widths).header(two_lines(head.map(str::to_owned)))
    }

    /// How much a count of `of` rises; `same` finds it in a status.
    fn a_second(&self, of: &Value, same: &dyn Fn(&Value) -> Option<Value>, path: &[&str]) -> String {
        let count = |of: &Value| path.iter().fold(of, |value, key| &value[*key]).as_u64();
        let before = self
            .before
            .as_ref()
            .and_then(|before| Some((count(&same(&before.status)?)?, before.at)));
        let (Some(now), Some(at), Some((then, since))) = (count(of), self.now.as_ref().map(|now| now.at), before)
        else {
            return "-".to_owned();
        };
        let seconds = at.saturating_duration_since(since).as_secs_f64();
        // An engine that was started again counts from 0.
        let new = now.checked_sub(then).unwrap_or(now);
        if seconds > 0.0 {
            format!("{:.0}", new as f64 / seconds)
        } else {
            "-".to_owned()
        }
    }

    fn style(&self, color: Color) -> Style {
        if self.plain {
            Style::new()
        } else {
            Style::new().fg(color)
        }
    }
}

/// A part of the screen, with a line above it.
fn block(title: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title)
}

/// As wide as the longest name of an SMSC.
fn name_width(now: &Look) -> u16 {
    let names = smscs_of(&now.status).iter().filter_map(|smsc| smsc["name"].as_str());
    names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .clamp(4, NAME_MAX) as u16
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::TcpListener;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;
    use serde_json::json;

    use super::super::target::{Target, Trust};
    use super::*;
    use crate::domain::Status;

    fn status(submitted: u64, delivered: u64) -> Value {
        json!({
            "ready": true, "version": "0.1.0", "uptime_seconds": 61, "reasons": [],
            "backlog": { "queued": 12, "deferred": 3, "reasons": [
                { "reason": "not_bound", "messages": 5 }, { "reason": "rate", "messages": 10 },
            ] },
            "tenants": [{ "tenant": "ten_7", "name": "Cabinet Martin", "queued": 4321, "oldest_seconds": 61.5, "available": 900, "held": 15,
                "statuses": { "transmitted": submitted, "delivered": delivered } }],
            "settling": { "behind_seconds": 0.01 },
            "receipts_parked": 0, "redis_loss_allowed": [],
            "smscs": [{ "name": "north", "state": "running", "usable": true, "in_flight": 4, "window": 100,
                "rate": { "effective": 500.0 }, "binds": { "bound": 1, "configured": 2, "last_error": "gone",
                    "last_error_at": "2026-01-02T03:04:05Z" },
                "submitted": submitted, "statuses": { "delivered": delivered } }],
        })
    }

    fn drawn(screen: &Screen, (width, height): (u16, u16), at: Instant) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame, at)).unwrap();
        terminal.backend().to_string()
    }

    /// A status of that many SMSCs, with all statuses.
    fn of_smscs(count: usize) -> Value {
        let mut status = status(1_000, 10);
        let all = Status::ALL.iter().map(|status| (status.code(), 1));
        status["smscs"][0]["statuses"] = json!(all.collect::<BTreeMap<_, _>>());
        let smscs = (0..count).map(|number| {
            let mut smsc = status["smscs"][0].clone();
            smsc["name"] = json!(format!("carrier-{number}"));
            smsc
        });
        status["smscs"] = smscs.collect();
        status["tenants"][0]["tenant"] = json!("ten_0123456789abc");
        status
    }

    #[test]
    fn what_is_new_is_shown_a_second() {
        let (mut screen, at) = (Screen::default(), Clock::new().now());
        screen.hear(Ok(status(1_000, 10)), at);
        let first = drawn(&screen, (130, 25), at);
        for word in [
            "ready                yes",
            "1m 1s",
            "north",
            "1/2",
            "500/s",
            "gone (2026-01-02T03:04:05Z)",
            "waiting for          not_bound 5, rate 10",
            "Cabinet Martin",
            "4321",
            "61.5",
            "q ends it",
        ] {
            assert!(first.contains(word), "{word}: {first}");
        }
        screen.hear(Ok(status(2_000, 40)), at + Duration::from_secs(2));
        let second = drawn(&screen, (130, 25), at);
        let line = second.lines().rfind(|line| line.contains("north")).unwrap();
        assert!(line.contains(" 500 ") && line.contains(" 15 "), "{line}");
        let line = second.lines().find(|line| line.contains("Cabinet Martin")).unwrap();
        assert!(line.contains(" 500 ") && line.contains(" 15 "), "{line}");
        screen.hear(Err(Failure::Away("no engine answers".to_owned())), at);
        let silent = drawn(&screen, (130, 26), at);
        assert!(
            silent.contains("no engine answers") && silent.contains("north"),
            "{silent}"
        );
    }

    #[test]
    fn what_does_not_answer_is_said_before_anything_else_is_known() {
        let at = Clock::new().now();
        let mut screen = Screen {
            base: "http://h:1".to_owned(),
            ..Screen::default()
        };
        assert!(drawn(&screen, (80, 24), at).contains("q ends it. http://h:1 is asked"));
        screen.asked = Some(at);
        let late = drawn(&screen, (80, 24), at + Duration::from_secs(3));
        assert!(late.contains("http://h:1 has not answered for 3 s"), "{late}");
        screen.hear(Err(Failure::Away("no engine".to_owned())), at);
        assert!(drawn(&screen, (80, 24), at).contains("no engine"));
    }

    #[test]
    fn keys_are_heard_while_nobody_answers() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let target = Target::of_url(&url, "--admin", Trust::default()).unwrap();
        let mut asker = Asker::new(Client::at(&target, Duration::from_secs(60), None).unwrap());
        assert!(asker.ask());
        // It is asked, and neither asking nor hearing waits for the answer.
        let _held = silent.accept().unwrap();
        assert!(!asker.ask() && asker.answer().is_none());
    }

    #[test]
    fn a_small_terminal_shows_whole_heads_and_ids_and_says_what_has_no_room() {
        let (mut screen, at) = (Screen::default(), Clock::new().now());
        screen.hear(Ok(of_smscs(2)), at);
        let shown = drawn(&screen, (80, 24), at);
        assert_eq!(shown.matches("carrier-1").count(), 2, "{shown}");
        assert!(!shown.contains("no room"), "{shown}");
        assert!(shown.contains("ten_0123456789abc "), "{shown}");
        for head in [
            "trans-",
            "mitted",
            "trans.",
            "failed",
            "recep.",
            "unkn.",
            "recre-",
            "routed",
            "LAST ERROR",
        ] {
            assert!(shown.contains(head), "{head}: {shown}");
        }
        screen.hear(Ok(of_smscs(5)), at);
        let shown = drawn(&screen, (80, 24), at);
        assert!(shown.contains("SMSCs: 2 more, no room here"), "{shown}");
        assert!(
            !shown.contains("receipts parked"),
            "a line that says nothing makes room: {shown}"
        );
        let mut status = of_smscs(5);
        status["smscs"][4]["state"] = json!("not_bound");
        screen.hear(Ok(status), at);
        let shown = drawn(&screen, (80, 24), at);
        assert_eq!(
            shown.matches("carrier-4").count(),
            2,
            "who is in trouble is seen: {shown}"
        );
    }

    #[test]
    fn rows_go_to_who_wants_them() {
        assert_eq!(shares(0, [2, 2, 9]), [1, 1, 1]);
        assert_eq!(shares(5, [2, 2, 9]), [2, 2, 1]);
        assert_eq!(shares(9, [2, 2, 9]), [2, 2, 5]);
        assert_eq!(shares(9, [1, 1, 1]), [1, 1, 7]);
    }

    #[test]
    fn q_ends_it() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        assert!(is_end(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(is_end(&key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!is_end(&key(KeyCode::Char('c'), KeyModifiers::NONE)));
    }

    #[test]
    fn nobody_is_asked_all_the_time() {
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        assert!(interval("99ms").is_err() && interval("soon").is_err());
    }
}
