//! The steps of a model that trains: what it reported after each, and what it was told.

use serde::{Deserialize, Serialize};
use trueline_runtime::Decision;

/// A step that a model reported. As JSON, in a list, they are the output `steps` of its stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    /// Counted from 0.
    pub(crate) step: u32,
    pub(crate) metrics: Vec<(String, f64)>,
    decision: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    Continue,
    Stop,
}

impl Step {
    pub(crate) fn new(step: u32, metrics: Vec<(String, f64)>, decision: Decision) -> Self {
        let decision = match decision {
            Decision::Continue => Told::Continue,
            Decision::Stop => Told::Stop,
        };
        Self {
            step,
            metrics,
            decision,
        }
    }

    /// Whether the model was told to stop after it.
    pub(crate) fn is_stop(&self) -> bool {
        self.decision == Told::Stop
    }

    /// The steps of an output; none if it is something else.
    pub(crate) fn read_all(json: &[u8]) -> Vec<Self> {
        /// JSON has no NaN.
        #[derive(Deserialize)]
        struct Read {
            step: u32,
            metrics: Vec<(String, Option<f64>)>,
            decision: Told,
        }
        let read: Vec<Read> = serde_json::from_slice(json).unwrap_or_default();
        let step = |read: Read| Self {
            step: read.step,
            metrics: read
                .metrics
                .into_iter()
                .map(|(name, value)| (name, value.unwrap_or(f64::NAN)))
                .collect(),
            decision: read.decision,
        };
        read.into_iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_they_are_written() {
        let steps = vec![
            Step::new(0, vec![("auc".to_owned(), 0.1)], Decision::Continue),
            Step::new(1, vec![("auc".to_owned(), 0.125)], Decision::Stop),
        ];
        let json = serde_json::to_vec(&steps).unwrap();
        assert_eq!(Step::read_all(&json), steps);
        assert!(steps[1].is_stop() && !steps[0].is_stop());
        assert_eq!(Step::read_all(b"{}"), []);
    }
}
