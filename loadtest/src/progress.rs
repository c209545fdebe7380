//! What a run says while it goes on, on standard error: one line that changes on a terminal, a line every ten seconds
//! elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::esme::Book;

/// Where there is no terminal, a line this often: logs are read afterwards.
const LINE_EVERY_US: u64 = 10_000_000;

/// Shows how far a run is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    next_line_us: u64,
}

impl Progress {
    /// Of a run of `count` messages, if that is known. `quiet`: says nothing.
    pub(crate) fn new(quiet: bool, count: Option<u64>) -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = (!quiet && !target.is_hidden()).then(|| {
            let bar = ProgressBar::with_draw_target(count, target);
            let template = match count {
                Some(_) => "{bar:24} {percent:>3} %  {msg}  {eta} left",
                None => "{spinner} {msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
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
                let counts = book.counts_so_far();
                bar.set_position(counts.submitted + counts.warm_up);
                bar.set_message(said());
            }
            None if now_us >= self.next_line_us => {
                eprintln!("{}", said());
                self.next_line_us = now_us + LINE_EVERY_US;
            }
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
    format!(
        "{:>4} s: {offered}{}/s sent, {}/s answered, {}/s receipts; p99 {:.1} ms; {in_flight} in flight, {backlog} due, {receipts} \
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
