//! What a run says while it goes on, on standard error: one line that changes on a terminal, a line every ten seconds
//! elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::esme::Book;

/// Where there is no terminal, a line this often: logs are read afterwards.
const LINE_EVERY_US: u64 = 10_000_000;

/// Steps of the bar: more than its cells, so that it moves evenly.
const BAR_LENGTH: u64 = 1_000;

/// Shows how far a run is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    next_line_us: u64,
}

impl Progress {
    /// `quiet`: says nothing.
    pub(crate) fn new(quiet: bool) -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = (!quiet && !target.is_hidden()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(BAR_LENGTH), target);
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            quiet,
            next_line_us: LINE_EVERY_US,
        }
    }

    /// Shows where the run is.
    pub(crate) fn show(&mut self, book: &Book, now_us: u64) {
        if self.quiet {
            return;
        }
        let said = || said(book, now_us);
        match &self.bar {
            Some(bar) => {
                bar.set_position((book.share_sent(now_us) * BAR_LENGTH as f64) as u64);
                bar.set_message(said());
            }
            None if now_us >= self.next_line_us => {
                eprintln!("{}", said());
                self.next_line_us = now_us + LINE_EVERY_US;
            }
            None => {}
        }
    }

    /// Says something between two looks.
    pub(crate) fn say(&self, words: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(words.to_owned()),
            None if !self.quiet => eprintln!("{words}"),
            None => {}
        }
    }

    /// The run is over.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn said(book: &Book, now_us: u64) -> String {
    let (in_flight, backlog, receipts) = book.waiting();
    let counts = book.counts_so_far();
    let second = book.last_second();
    let offered = match second.offered {
        0 => String::new(),
        offered => format!("{offered}/s offered, "),
    };
    let far = how_far(book.share_sent(now_us), now_us);
    format!(
        "{far} {:>4} s: {offered}{}/s sent, {}/s answered, {}/s receipts; p99 {:.1} ms; {in_flight} in flight, {backlog} due, {receipts} \
         receipts to come; {} refused, {} disconnects",
        now_us / 1_000_000,
        second.submitted,
        second.answered,
        second.receipts,
        second.p99,
        counts.refused,
        counts.disconnects,
    )
}

/// The share that is sent, and how long the rest will take at the pace until now.
fn how_far(share: f64, now_us: u64) -> String {
    let percent = (share * 100.0).floor();
    if share >= 1.0 {
        return "100 %, all sent;".to_owned();
    }
    // Before the first per cent, a guess would jump about.
    if percent < 1.0 {
        return format!("{percent:>3} %;");
    }
    let left_s = (now_us as f64 / 1e6 * (1.0 - share) / share).ceil();
    format!(
        "{percent:>3} %, {} left;",
        humantime::format_duration(Duration::from_secs(left_s as u64))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentage_and_time_left_are_those_of_the_pace_until_now() {
        assert_eq!(how_far(0.25, 10_000_000), " 25 %, 30s left;");
        assert_eq!(how_far(0.5, 90_000_000), " 50 %, 1m 30s left;");
        assert_eq!(how_far(0.004, 1_000_000), "  0 %;");
        assert_eq!(how_far(1.0, 1_000_000), "100 %, all sent;");
    }
}
