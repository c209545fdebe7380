//! `campanile top`: the status page, alive.

use std::io::{IsTerminal, stdin, stdout};
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};
use serde_json::Value;

use super::client::{Client, Where};
use super::failure::Failure;
use super::output::cell;
use super::status::{facts, row, smscs_of, tenant_row, tenants_of};
use crate::clock::Clock;
use crate::config::{Console, time};

/// More often is only work.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

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
    now: Option<Look>,
    before: Option<Look>,
    /// Why the last look failed.
    fault: Option<String>,
    plain: bool,
}

impl Top {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.at.json || !stdin().is_terminal() || !stdout().is_terminal() {
            return Err(Failure::Usage(
                "top needs a terminal; for a program or a file there is campanile status --json".to_owned(),
            ));
        }
        let client = self.at.open()?;
        let mut screen = Screen {
            plain: Console::of_environment().plain,
            ..Screen::default()
        };
        // An engine that is not there at all is said without a screen.
        let clock = Clock::new();
        screen.take(client.get("/v1/status")?, clock.now());
        let mut terminal = ratatui::try_init().map_err(screen_fault)?;
        let ended = self.show(&mut terminal, (&client, clock), &mut screen);
        ratatui::restore();
        ended
    }

    fn show(
        &self,
        terminal: &mut ratatui::DefaultTerminal,
        (client, clock): (&Client, Clock),
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let mut next = clock.now() + self.interval;
        loop {
            terminal.draw(|frame| screen.draw(frame)).map_err(screen_fault)?;
            let pause = next.saturating_duration_since(clock.now());
            if event::poll(pause).map_err(screen_fault)? {
                if is_end(&event::read().map_err(screen_fault)?) {
                    return Ok(());
                }
                continue;
            }
            match client.get("/v1/status") {
                Ok(status) => screen.take(status, clock.now()),
                Err(failure) => screen.fault = Some(failure.to_string()),
            }
            next = clock.now() + self.interval;
        }
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

impl Screen {
    fn take(&mut self, status: Value, at: Instant) {
        self.before = self.now.replace(Look { status, at });
        self.fault = None;
    }

    fn draw(&self, frame: &mut Frame) {
        let Some(now) = &self.now else { return };
        let facts = facts(&now.status);
        let heights = [
            Constraint::Length(facts.len() as u16 + 2),
            Constraint::Min(4),
            Constraint::Min(4),
            Constraint::Min(4),
            Constraint::Length(1),
        ];
        let [about, smscs, speeds, tenants, foot] = Layout::vertical(heights).areas(frame.area());
        let lines: Vec<Line> = facts
            .iter()
            .map(|(what, value)| Line::from(format!("{what:<20} {value}")))
            .collect();
        let ready = now.status["ready"] == true;
        let style = self.style(if ready { Color::Green } else { Color::Red });
        let about_block = Block::bordered().title("campanile").border_style(style);
        frame.render_widget(Paragraph::new(lines).block(about_block), about);
        frame.render_widget(self.smscs(now), smscs);
        frame.render_widget(self.speeds(now), speeds);
        frame.render_widget(self.tenants(now), tenants);
        let said = match &self.fault {
            Some(fault) => Line::from(fault.clone()).style(self.style(Color::Red)),
            None => Line::from("q ends it"),
        };
        frame.render_widget(said, foot);
    }

    fn smscs(&self, now: &Look) -> Table<'_> {
        let head = ["SMSC", "STATE", "BINDS", "IN FLIGHT", "WINDOW", "RATE", "LAST ERROR"];
        let rows = smscs_of(&now.status).iter().map(|smsc| {
            let well = smsc["state"] == "running" && smsc["usable"] == true;
            let style = if well { Style::new() } else { self.style(Color::Yellow) };
            Row::new(row(smsc)).style(style)
        });
        let widths = [16, 10, 7, 10, 8, 12].map(Constraint::Length);
        let widths: Vec<Constraint> = widths.into_iter().chain([Constraint::Fill(1)]).collect();
        let table = Table::new(rows, widths).header(Row::new(head));
        table.block(Block::bordered().title("SMSCs"))
    }

    /// What was submitted and which statuses were reached a second, since the look before.
    fn speeds(&self, now: &Look) -> Table<'_> {
        let names: Vec<&String> = smscs_of(&now.status)
            .first()
            .and_then(|smsc| smsc["statuses"].as_object())
            .map(|statuses| statuses.keys().collect())
            .unwrap_or_default();
        let mut head = vec!["SMSC".to_owned(), "SUBMITTED/s".to_owned()];
        head.extend(names.iter().map(|name| name.replace('_', " ")));
        let rows = smscs_of(&now.status).iter().map(|smsc| {
            let same = |status: &Value| find(smscs_of(status), "name", smsc);
            let mut cells = vec![cell(&smsc["name"]), self.a_second(smsc, &same, &["submitted"])];
            cells.extend(names.iter().map(|name| self.a_second(smsc, &same, &["statuses", name])));
            Row::new(cells)
        });
        let widths = [16, 12].map(Constraint::Length).into_iter();
        let widths = widths.chain(names.iter().map(|_| Constraint::Fill(1)));
        let table = Table::new(rows, widths.collect::<Vec<_>>()).header(Row::new(head));
        table.block(Block::bordered().title("a second, by status"))
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
            "OLDEST s",
            "AVAILABLE",
            "HELD",
            "TRANSMITTED/s",
            "DELIVERED/s",
        ];
        let widths = [16, 24, 10, 9, 12, 12, 14, 12].map(Constraint::Length);
        let table = Table::new(rows, widths).header(Row::new(head));
        table.block(Block::bordered().title("tenants"))
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

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;
    use serde_json::json;

    use super::*;

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

    fn drawn(screen: &Screen) -> String {
        let mut terminal = Terminal::new(TestBackend::new(130, 25)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn what_is_new_is_shown_a_second() {
        let (mut screen, at) = (Screen::default(), Clock::new().now());
        screen.take(status(1_000, 10), at);
        let first = drawn(&screen);
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
        screen.take(status(2_000, 40), at + Duration::from_secs(2));
        let second = drawn(&screen);
        let line = second.lines().rfind(|line| line.contains("north")).unwrap();
        assert!(line.contains(" 500 ") && line.contains(" 15 "), "{line}");
        let line = second.lines().find(|line| line.contains("Cabinet Martin")).unwrap();
        assert!(line.contains(" 500 ") && line.contains(" 15 "), "{line}");
        screen.fault = Some("no engine answers".to_owned());
        assert!(drawn(&screen).contains("no engine answers"));
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
