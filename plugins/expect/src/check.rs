//! The reduction.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::expectation::Seen;
use crate::resolve::{PREVIOUS, Resolved, resolve};
use crate::rows::Rows;
use crate::verdict::Verdict;

/// Takes in rows and checks them.
pub struct Check {
    resolved: Resolved,
    /// Which input is the table before.
    previous_input: Option<usize>,
    rows: u64,
    previous: u64,
}

/// What one instance took in, for another.
#[derive(Serialize, Deserialize)]
struct Partial {
    rows: u64,
    previous: u64,
    expectations: Vec<Vec<u8>>,
}

/// Every expectation and whether it was met.
#[derive(Serialize)]
struct Report<'v> {
    rows: u64,
    failed: usize,
    warnings: usize,
    expectations: &'v [Verdict],
}

impl Reduce for Check {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let schema = trueline_sdk::schema::rows(inputs)?;
        let previous_input = inputs.iter().position(|input| input.name == PREVIOUS);
        Ok(Self {
            resolved: resolve(&params, schema, previous_input.is_some())?,
            previous_input,
            rows: 0,
            previous: 0,
        })
    }

    fn update(&mut self, input: usize, batch: &Batch<'_>) -> Result<()> {
        let count = batch.rows() as u64;
        if Some(input) == self.previous_input {
            self.previous += count;
            return Ok(());
        }
        let rows = Rows::new(batch, self.resolved.numbers, &self.resolved.key)?;
        for expectation in &mut self.resolved.expectations {
            expectation.update(&rows)?;
        }
        self.rows += count;
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        let expectations = self.resolved.expectations.iter();
        state::encode(&Partial {
            rows: self.rows,
            previous: self.previous,
            expectations: expectations
                .map(|expectation| expectation.partial())
                .collect::<Result<_>>()?,
        })
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let partial: Partial = state::decode(partial)?;
        if partial.expectations.len() != self.resolved.expectations.len() {
            return Err(Error::data(
                "the partial is of other expectations; merge what the same parameters made",
            ));
        }
        self.rows += partial.rows;
        self.previous += partial.previous;
        let expectations = self.resolved.expectations.iter_mut();
        for (expectation, partial) in expectations.zip(&partial.expectations) {
            expectation.merge(partial)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let rows = self.rows;
        let seen = Seen {
            rows,
            previous: self.previous_input.map(|_| self.previous),
            key: &self.resolved.key_names,
        };
        let expectations = self.resolved.expectations.into_iter();
        let verdicts: Vec<Verdict> = expectations
            .map(|expectation| expectation.verdict(&seen))
            .collect();
        let findings: Vec<Finding> = verdicts.iter().filter_map(Verdict::finding).collect();
        let failed = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fail)
            .count();
        let warnings = findings.len() - failed;
        let report = Report {
            rows,
            failed,
            warnings,
            expectations: &verdicts,
        };
        let report = serde_json::to_string(&report)
            .map_err(|error| Error::other(format!("the report cannot be written: {error}")))?;
        let metrics = vec![
            Metric::new("rows", rows as f64),
            Metric::new("expectations", verdicts.len() as f64),
            Metric::new("failed", failed as f64),
            Metric::new("warnings", warnings as f64),
        ];
        Ok(Outcome {
            metrics,
            findings,
            report: Some(report),
            ..Outcome::default()
        })
    }
}
