//! Programs that call themselves a browser, and follow a link before a person can have read it: they are told by when the message came,
//! which history says a moment later.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::database::{Database, DatabaseError, Found, Sql};
use crate::domain::{MessageId, Status, UnixMicros};

/// For so long it is waited for history: behind that whoever followed the link is a person.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// Messages of one question.
const ROWS: usize = 500;

/// Somebody, or some program, has followed a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Click {
    pub(super) message: MessageId,
    pub(super) at: UnixMicros,
    pub(super) is_preview: bool,
}

/// Clicks of which nobody knows yet whose they are.
pub(super) struct Early {
    within: Duration,
    held: Vec<Click>,
}

/// When a message came, as far as history knows.
#[derive(Clone, Copy, Debug)]
struct Came {
    taken: Option<UnixMicros>,
    delivered: Option<UnixMicros>,
    is_over: bool,
}

impl Early {
    pub(super) const fn new(within: Duration) -> Self {
        Self {
            within,
            held: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Keeps a click until it is known whose it is; `false`: that is known.
    pub(super) fn holds(&mut self, click: Click) -> bool {
        let is_unknown = !click.is_preview && !self.within.is_zero();
        if is_unknown {
            self.held.push(click);
        }
        is_unknown
    }

    /// Those of which it is known now; all of them at the end.
    ///
    /// # Errors
    /// The database's; they are kept then.
    pub(super) async fn told(
        &mut self,
        database: &Database,
        (now, is_end): (UnixMicros, bool),
    ) -> Result<Vec<Click>, DatabaseError> {
        let mut came: FxHashMap<MessageId, Came> = FxHashMap::default();
        for some in self.held.chunks(ROWS) {
            came.extend(database.rows(question(some), read).await?);
        }
        let within = self.within;
        let mut told = Vec::new();
        self.held.retain(|click| {
            let waits = !is_end && now.since(click.at) < UNKNOWN_FOR;
            let is_preview = is_early(click.at, came.get(&click.message).copied(), within);
            match is_preview {
                None if waits => true,
                is_preview => {
                    let is_preview = is_preview.unwrap_or(false);
                    told.push(Click { is_preview, ..*click });
                    false
                }
            }
        });
        Ok(told)
    }
}

/// Whether somebody was too quick for a person; `None`: it is not known yet.
fn is_early(at: UnixMicros, came: Option<Came>, within: Duration) -> Option<bool> {
    let came = came?;
    let is_soon = |then: Option<UnixMicros>| then.is_some_and(|then| at < then.plus(within));
    // Whoever is before the receipt of a message that it had for long is as quick as who is before its answer.
    let soon_after_answer = is_soon(came.taken);
    match (soon_after_answer, came.delivered) {
        (true, _) => Some(true),
        (false, Some(delivered)) => Some(at >= delivered && is_soon(Some(delivered))),
        (false, None) => came.is_over.then_some(false),
    }
}

fn question(some: &[Click]) -> Sql {
    let mut query = Sql::new("SELECT id, taken_at, ended_at, status FROM message WHERE id IN (");
    query
        .list(some.iter().map(|click| click.message.0.cast_signed()))
        .push(")");
    query
}

fn read(row: &Found<'_>) -> Result<(MessageId, Came), DatabaseError> {
    let micros = |milliseconds: Option<i64>| milliseconds.map(|at| UnixMicros(at.cast_unsigned() * 1_000));
    let (taken, ended) = (micros(row.number_if_any(1)?), micros(row.number_if_any(2)?));
    let is_delivered = row.text(3)? == Status::Delivered.code();
    let came = Came {
        taken,
        delivered: ended.filter(|_| is_delivered),
        is_over: ended.is_some(),
    };
    Ok((MessageId(row.number(0)?.cast_unsigned()), came))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> UnixMicros {
        UnixMicros(seconds * 1_000_000)
    }

    #[test]
    fn who_is_quicker_than_a_person_is_a_program() {
        let within = Duration::from_secs(2);
        let came = |delivered: Option<u64>| {
            Some(Came {
                taken: Some(seconds(10)),
                delivered: delivered.map(seconds),
                is_over: delivered.is_some(),
            })
        };
        for (at, came, expected) in [
            (11, None, None),
            (11, came(None), Some(true)),
            (13, came(None), None),
            (31, came(Some(30)), Some(true)),
            (33, came(Some(30)), Some(false)),
            // The receipt was late.
            (20, came(Some(30)), Some(false)),
        ] {
            assert_eq!(is_early(seconds(at), came, within), expected, "{at}");
        }
    }

    #[test]
    fn nothing_is_held_where_that_is_not_asked_for() {
        let click = Click {
            message: MessageId(1),
            at: seconds(1),
            is_preview: false,
        };
        assert!(!Early::new(Duration::ZERO).holds(click));
        let mut early = Early::new(Duration::from_secs(2));
        let preview = Click {
            is_preview: true,
            ..click
        };
        assert!(early.holds(click) && !early.holds(preview) && early.len() == 1);
    }
}
