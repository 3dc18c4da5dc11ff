//! Progress on a terminal: a line for everything that is going on, moving while it does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trueline_engine::Event;
use trueline_runtime::Metric;

use crate::numbers;
use crate::style::{Mark, Style};
use crate::views::stages::mark;

/// How often spinners move.
const TICK: Duration = Duration::from_millis(100);

/// Lines that move.
pub(crate) struct Bars {
    screen: MultiProgress,
    /// By stage or way; and the datasets, which are read one after the other.
    lines: Mutex<BTreeMap<String, ProgressBar>>,
    /// The plugin of each stage.
    plugins: BTreeMap<String, String>,
    /// Whether what has finished stays on the screen at the end.
    stays: bool,
    style: Style,
    /// As wide as the longest name.
    width: usize,
}

/// As long as the names of a proof's ways are, which it tells one by one.
const WAY_WIDTH: usize = 30;

/// The key of the line for datasets; no stage has a space in its name.
const DATASETS: &str = "read data";

impl Bars {
    pub(crate) fn new(plugins: BTreeMap<String, String>, stays: bool, style: Style) -> Self {
        let names = plugins.keys().map(String::as_str).chain([DATASETS]);
        let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let width = if plugins.is_empty() {
            WAY_WIDTH
        } else {
            longest
        };
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self {
            screen,
            lines: Mutex::default(),
            plugins,
            stays,
            style,
            width,
        }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        match event {
            Event::RunCreated { .. } => {}
            Event::Pinning { dataset } => self.line(DATASETS).set_message(dataset.to_owned()),
            Event::StageStarted { stage } => {
                self.end(DATASETS);
                self.line(stage);
            }
            Event::Rows {
                stage,
                pass,
                passes,
                rows,
            } => {
                let of = if passes > 1 {
                    format!("pass {} of {passes}, ", pass + 1)
                } else {
                    String::new()
                };
                self.line(stage)
                    .set_message(format!("{of}{}", numbers::plural(rows, "row")));
            }
            Event::Step {
                stage,
                step,
                metrics,
            } => self.line(stage).set_message(step_message(step, metrics)),
            Event::StageRetried {
                stage,
                attempt,
                message,
                ..
            } => self
                .line(stage)
                .set_message(format!("attempt {attempt} follows: {message}")),
            Event::StageFinished { report } => {
                let mark = mark(report.state);
                let rows = if report.rows > 0 {
                    numbers::plural(report.rows, "row")
                } else {
                    String::new()
                };
                let (message, time) = (
                    report.message.as_deref().unwrap_or(&rows),
                    numbers::elapsed(report.elapsed_ms),
                );
                self.leave(&report.stage, mark, message, &time);
            }
            Event::WayStarted { way, rows } => {
                let line = self.line(way);
                if let Some(rows) = rows {
                    line.set_length(rows);
                    line.set_style(self.template(
                        "{spinner} {prefix} {bar:24} {human_pos} rows {wide_msg}{elapsed}",
                    ));
                }
            }
            Event::WayRows { way, rows } => {
                let line = self.line(way);
                match line.length() {
                    Some(_) => line.set_position(rows),
                    None => line.set_message(numbers::plural(rows, "row")),
                }
            }
            Event::WayFinished { way } => {
                let message = format!(
                    "{}: {} of {} differ",
                    way.what,
                    numbers::count(way.bits_differing),
                    numbers::plural(way.bits, "bit")
                );
                self.leave(
                    &way.way,
                    Mark::of(way.bits_differing == 0),
                    &message,
                    &numbers::elapsed(way.elapsed_ms),
                );
            }
        }
    }

    /// Stops all that moves.
    pub(crate) fn finish(&self) {
        for line in std::mem::take(&mut *self.lines()).into_values() {
            line.finish_and_clear();
        }
        if !self.stays {
            // The screen has nothing more to say; that it cannot be cleared is not worth an error.
            let _ = self.screen.clear();
        }
    }

    /// The line of a stage or way, which is begun if there is none.
    fn line(&self, name: &str) -> ProgressBar {
        let begin = || {
            let line = self.screen.add(ProgressBar::no_length());
            line.set_style(self.template("{spinner} {prefix} {wide_msg}{elapsed}"));
            line.set_prefix(self.prefix(name));
            line.enable_steady_tick(TICK);
            line
        };
        self.lines()
            .entry(name.to_owned())
            .or_insert_with(begin)
            .clone()
    }

    fn end(&self, name: &str) {
        if let Some(line) = self.lines().remove(name) {
            line.finish_and_clear();
        }
    }

    /// Ends a line with what came of it.
    fn leave(&self, name: &str, mark: Mark, message: &str, time: &str) {
        let line = self.line(name);
        self.lines().remove(name);
        line.set_style(
            self.template("{prefix} {wide_msg} {msg_time}")
                .with_key("msg_time", {
                    let time = time.to_owned();
                    move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                        let _ = out.write_str(&time);
                    }
                }),
        );
        line.set_prefix(format!("{} {}", self.style.mark(mark), self.prefix(name)));
        line.finish_with_message(self.style.dim(message));
    }

    fn prefix(&self, name: &str) -> String {
        let padding = " ".repeat(self.width.saturating_sub(name.chars().count()));
        let plugin = self
            .plugins
            .get(name)
            .map(|plugin| self.style.dim(&format!("  {plugin:10}")))
            .unwrap_or_default();
        format!("{}{padding}{plugin} ", self.style.bold(name))
    }

    fn template(&self, template: &str) -> ProgressStyle {
        let (spinner, bar) = if self.style.unicode {
            ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "━╸─")
        } else {
            ("|/-\\ ", "=> ")
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        style.tick_chars(spinner).progress_chars(bar)
    }

    /// A poisoned lock only says that another thread panicked while it drew.
    fn lines(&self) -> MutexGuard<'_, BTreeMap<String, ProgressBar>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn step_message(step: u32, metrics: &[Metric]) -> String {
    let measured = metrics
        .iter()
        .map(|metric| format!("  {} {}", metric.name, numbers::metric(metric.value)));
    format!("step {}{}", step + 1, measured.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_was_measured() {
        let metric = |name: &str, value| Metric {
            name: name.to_owned(),
            value,
        };
        let metrics = [
            metric("train_logloss", 0.287_14),
            metric("validation_logloss", 0.291_2),
        ];
        assert_eq!(
            step_message(36, &metrics),
            "step 37  train_logloss 0.2871  validation_logloss 0.2912"
        );
        assert_eq!(step_message(0, &[]), "step 1");
    }

    #[test]
    fn every_template_is_one() {
        for template in [
            "{spinner} {prefix} {bar:24} {human_pos} rows {wide_msg}{elapsed}",
            "{prefix} {wide_msg} {msg_time}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
