//! What the gates of a past run decided.

use serde::Deserialize;
use trueline_pipeline::Verdict;
use trueline_store::{Event, RunId, Store};

use crate::Gate;

/// What a run's gates decided, from its log.
///
/// # Errors
/// If the store cannot be read.
pub fn gates(store: &Store, run: &RunId) -> trueline_store::Result<Vec<Gate>> {
    const PAGE: u32 = 1000;
    let mut gates = Vec::new();
    let mut after = 0;
    loop {
        let events = store.events(run, after, PAGE)?;
        let Some(last) = events.last() else {
            return Ok(gates);
        };
        after = last.sequence;
        gates.extend(events.into_iter().filter_map(gate));
    }
}

/// The decision that an event tells of, if it does.
fn gate(event: Event) -> Option<Gate> {
    #[derive(Deserialize)]
    struct Decision {
        passed: bool,
        verdicts: Vec<Decided>,
    }
    #[derive(Deserialize)]
    struct Decided {
        text: String,
        passed: bool,
        /// JSON has no NaN.
        values: Vec<(String, Option<f64>)>,
        problem: Option<String>,
    }
    if event.kind != "gate.decided" {
        return None;
    }
    let decision: Decision = serde_json::from_value(event.detail).ok()?;
    let verdict = |Decided {
                       text,
                       passed,
                       values,
                       problem,
                   }| {
        let values = values
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or(f64::NAN)));
        Verdict {
            text,
            passed,
            values: values.collect(),
            problem,
        }
    };
    let verdicts = decision.verdicts.into_iter().map(verdict).collect();
    Some(Gate {
        stage: event.stage?,
        passed: decision.passed,
        verdicts,
    })
}
