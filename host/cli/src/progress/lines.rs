//! Progress as plain lines: what began and what ended, for logs.

use std::collections::BTreeMap;
use std::io::Write as _;

use trueline_engine::Event;
use trueline_store::StageState;

use crate::numbers;

/// Writes a line when something begins or ends.
pub(crate) struct Lines {
    /// The plugin of each stage.
    plugins: BTreeMap<String, String>,
}

impl Lines {
    pub(crate) fn new(plugins: BTreeMap<String, String>) -> Self {
        Self { plugins }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        if let Some(line) = self.line(event) {
            // One call a line, so that lines of several threads never mix.
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        }
    }

    fn line(&self, event: Event<'_>) -> Option<String> {
        Some(match event {
            Event::Pinning { dataset } => format!("dataset `{dataset}`: reading and digesting"),
            Event::StageStarted { stage } => {
                let plugin = self.plugins.get(stage).map(|plugin| format!(" ({plugin})"));
                format!("stage `{stage}`{} started", plugin.unwrap_or_default())
            }
            Event::StageRetried {
                stage,
                attempt,
                message,
                wait,
            } => {
                let wait = numbers::elapsed(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                format!("stage `{stage}` failed: {message}; attempt {attempt} follows in {wait}")
            }
            Event::StageFinished { report } => {
                let (stage, state) = (&report.stage, report.state);
                let reason = report
                    .message
                    .as_ref()
                    .map(|message| format!(": {message}"))
                    .unwrap_or_default();
                if state == StageState::Blocked || state == StageState::Skipped {
                    return Some(format!("stage `{stage}` {state}{reason}"));
                }
                let rows = if report.rows > 0 {
                    format!(", {} read", numbers::plural(report.rows, "row"))
                } else {
                    String::new()
                };
                format!(
                    "stage `{stage}` {state} in {}{rows}{reason}",
                    numbers::elapsed(report.elapsed_ms)
                )
            }
            Event::WayStarted { way, .. } => format!("{way}: started"),
            Event::WayFinished { way } => {
                let (differing, bits) = (
                    numbers::count(way.bits_differing),
                    numbers::plural(way.bits, "bit"),
                );
                format!(
                    "{}, {}: {differing} of {bits} differ, in {}",
                    way.way,
                    way.what,
                    numbers::elapsed(way.elapsed_ms)
                )
            }
            Event::RunCreated { .. }
            | Event::Rows { .. }
            | Event::Step { .. }
            | Event::WayRows { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use trueline_engine::StageReport;

    use super::*;

    #[test]
    fn what_begins_and_ends_is_told() {
        let lines = Lines::new([("model".to_owned(), "gbdt".to_owned())].into());
        let mut report = StageReport {
            stage: "model".to_owned(),
            plugin: "gbdt".to_owned(),
            state: StageState::Succeeded,
            message: None,
            elapsed_ms: 31_240,
            cached_from: None,
            rows: 262_101,
            metrics: BTreeMap::new(),
            findings: Vec::new(),
            report: None,
            state_digest: None,
            stopped_at: None,
            study: None,
            best: None,
        };
        let told = |event: Event<'_>| lines.line(event).unwrap_or_default();
        assert_eq!(
            told(Event::StageStarted { stage: "model" }),
            "stage `model` (gbdt) started"
        );
        assert_eq!(
            told(Event::StageFinished { report: &report }),
            "stage `model` succeeded in 31.2 s, 262,101 rows read"
        );
        assert_eq!(
            told(Event::Rows {
                stage: "model",
                pass: 0,
                passes: 1,
                rows: 1
            }),
            ""
        );
        (report.state, report.rows, report.message) =
            (StageState::Failed, 0, Some("no".to_owned()));
        assert_eq!(
            told(Event::StageFinished { report: &report }),
            "stage `model` failed in 31.2 s: no"
        );
        report.state = StageState::Blocked;
        assert_eq!(
            told(Event::StageFinished { report: &report }),
            "stage `model` blocked: no"
        );
    }
}
