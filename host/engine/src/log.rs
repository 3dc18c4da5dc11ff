//! What an attempt notes while it runs: the rows of its passes, the steps of a model, what it found and why it
//! failed, as lines for a person.
//!
//! A stage imports nothing with which it could write a line itself; so the log is what the engine sees of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use trueline_runtime::{Decision, Finding, Metric, Severity};
use trueline_store::{AttemptId, LogLevel, NewLogLine, Store};

use crate::numbers;
use crate::{Event, Observer, Result};

/// So many lines of an attempt are kept, and so many more of its end.
const LINES: usize = 1000;
/// While an attempt runs, its lines are written as often.
const EVERY: Duration = Duration::from_secs(1);

/// The log of one attempt. It stands before the observer of the run, and notes what it is told.
pub(crate) struct AttemptLog<'a> {
    store: &'a Store,
    attempt: &'a AttemptId,
    observer: &'a dyn Observer,
    noted: Mutex<Noted>,
}

struct Noted {
    lines: Vec<NewLogLine>,
    written: Instant,
    count: usize,
    left_out: usize,
    pass: Option<Pass>,
    /// Rows that a line tells of, over all passes.
    rows_told: u64,
}

/// The pass that goes on.
struct Pass {
    number: u32,
    of: u32,
    /// Rows so far, over all passes.
    rows: u64,
}

impl<'a> AttemptLog<'a> {
    pub(crate) fn new(
        store: &'a Store,
        attempt: &'a AttemptId,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            store,
            attempt,
            observer,
            noted: Mutex::new(Noted {
                lines: Vec::new(),
                written: Instant::now(),
                count: 0,
                left_out: 0,
                pass: None,
                rows_told: 0,
            }),
        }
    }

    pub(crate) fn info(&self, message: String) {
        self.note(LogLevel::Info, message);
    }

    /// What a check found.
    pub(crate) fn found(&self, findings: &[Finding]) {
        for finding in findings {
            let level = match finding.severity {
                Severity::Fail => LogLevel::Error,
                Severity::Warn => LogLevel::Warn,
            };
            self.note(level, format!("{}: {}", finding.subject, finding.message));
        }
    }

    /// Writes down what was noted, with how the attempt ends: to be called before it is ended.
    ///
    /// # Errors
    /// If the store cannot be written to.
    pub(crate) fn end(&self, failed: Option<&str>) -> Result<()> {
        let lines = self.last_lines(failed);
        Ok(self.store.append_log(self.attempt, lines)?)
    }

    /// What was noted and is not written down yet, with how the attempt ends.
    pub(crate) fn last_lines(&self, failed: Option<&str>) -> Vec<NewLogLine> {
        let mut noted = self.noted();
        noted.end_pass(self.store);
        if noted.left_out > 0 {
            let left_out = numbers::plural(noted.left_out as u64, "line");
            noted.push(self.store, LogLevel::Info, format!("{left_out} left out"));
        }
        if let Some(failed) = failed {
            noted.push(self.store, LogLevel::Error, failed.to_owned());
        }
        std::mem::take(&mut noted.lines)
    }

    fn note(&self, level: LogLevel, message: String) {
        let mut noted = self.noted();
        noted.end_pass(self.store);
        noted.note(self.store, level, message);
        if noted.written.elapsed() >= EVERY {
            noted.written = Instant::now();
            let lines = std::mem::take(&mut noted.lines);
            // If the store fails, the end of the attempt will say so.
            let _ = self.store.append_log(self.attempt, lines);
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self, number: u32, of: u32, rows: u64) {
        let mut noted = self.noted();
        let store = self.store;
        if noted.pass.as_ref().is_none_or(|pass| pass.number < number) {
            noted.end_pass(store);
            let rows = noted.rows_told;
            noted.pass = Some(Pass { number, of, rows });
        }
        if let Some(pass) = &mut noted.pass {
            // Threads tell in no promised order.
            pass.rows = pass.rows.max(rows);
        }
    }
}

impl Noted {
    fn note(&mut self, store: &Store, level: LogLevel, message: String) {
        match self.count < LINES {
            true => self.push(store, level, message),
            false => self.left_out += 1,
        }
    }

    fn push(&mut self, store: &Store, level: LogLevel, message: String) {
        self.count += 1;
        self.lines.push(NewLogLine {
            level,
            message,
            time_us: store.time_us(),
        });
    }

    fn end_pass(&mut self, store: &Store) {
        let Some(pass) = self.pass.take() else { return };
        let rows = numbers::plural(pass.rows - self.rows_told, "row");
        self.rows_told = pass.rows;
        let message = match pass.of {
            1 => format!("took in {rows}"),
            of => format!("took in {rows} in pass {} of {of}", pass.number + 1),
        };
        self.note(store, LogLevel::Info, message);
    }
}

impl Observer for AttemptLog<'_> {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::Rows {
                pass, passes, rows, ..
            } => self.rows(pass, passes, rows),
            Event::Step { step, metrics, .. } if is_shown(step) => {
                let metric =
                    |metric: &Metric| format!("{} {}", metric.name, numbers::metric(metric.value));
                let metrics: Vec<String> = metrics.iter().map(metric).collect();
                self.info(format!("step {}: {}", step + 1, metrics.join(", ")));
            }
            _ => {}
        }
        self.observer.tell(event);
    }

    fn decide(&self, stage: &str, step: u32, metrics: &[Metric]) -> Decision {
        self.observer.decide(stage, step, metrics)
    }
}

/// Of many steps some are enough: the first hundred, then every tenth, then every hundredth.
fn is_shown(step: u32) -> bool {
    let number = step + 1;
    match number {
        0..=100 => true,
        101..=1000 => number.is_multiple_of(10),
        _ => number.is_multiple_of(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_steps_some_are_shown() {
        let shown: Vec<u32> = (0..1300).filter(|step| is_shown(*step)).collect();
        assert_eq!(shown.len(), 100 + 90 + 3);
        assert_eq!(shown[98..102], [98, 99, 109, 119]);
    }
}
