//! The reduction.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::expectation::{Resolved, resolve};
use crate::params::Level;
use crate::tally::Tally;
use crate::unique::Keys;
use crate::verdict::{self, Verdict};

/// Takes in rows and checks them.
pub struct Check {
    params: Params,
    columns: Vec<Resolved>,
    /// The places of the columns of the key.
    key: Vec<usize>,
    counted: Counted,
    keys: Keys,
}

/// What is counted, beside the keys.
#[derive(Default, Serialize, Deserialize)]
struct Counted {
    rows: u64,
    tallies: Vec<Tally>,
}

/// What one instance took in, for another.
#[derive(Serialize, Deserialize)]
struct Partial {
    counted: Counted,
    keys: Vec<u8>,
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
        let columns = resolve(&params, schema)?;
        let unique = params
            .unique
            .as_ref()
            .map_or(&[][..], |unique| unique.columns());
        let key = unique
            .iter()
            .filter_map(|name| schema.index_of(name))
            .collect();
        let counted = Counted {
            rows: 0,
            tallies: vec![Tally::default(); columns.len()],
        };
        Ok(Self {
            params,
            columns,
            key,
            counted,
            keys: Keys::default(),
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        let rows = batch.rows();
        self.counted.rows += rows as u64;
        for (resolved, tally) in self.columns.iter().zip(&mut self.counted.tallies) {
            if let Resolved::Column(expected) = resolved {
                tally.update(expected, batch.column(expected.place), rows)?;
            }
        }
        if !self.key.is_empty() {
            let key: Vec<&Column<'_>> = self.key.iter().map(|&place| batch.column(place)).collect();
            self.keys.update(&key, rows)?;
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        let counted = Counted {
            rows: self.counted.rows,
            tallies: self.counted.tallies.clone(),
        };
        state::encode(&Partial {
            counted,
            keys: self.keys.to_bytes(),
        })
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let Partial { counted, keys } = state::decode(partial)?;
        self.counted.rows += counted.rows;
        for (tally, more) in self.counted.tallies.iter_mut().zip(counted.tallies) {
            tally.merge(more);
        }
        self.keys.merge(&keys)
    }

    fn finish(self) -> Result<Outcome> {
        let rows = self.counted.rows;
        let verdicts = self.verdicts();
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

impl Check {
    fn verdicts(self) -> Vec<Verdict> {
        let Self {
            params,
            columns,
            counted: Counted { rows, tallies },
            keys,
            ..
        } = self;
        let level = |own: Option<Level>| own.unwrap_or(params.severity);
        let mut verdicts = Vec::new();
        if let Some(expected) = &params.rows {
            verdicts.extend(verdict::of_rows(expected, params.severity, rows));
        }
        if let Some(unique) = &params.unique {
            verdicts.push(verdict::of_unique(
                unique.columns(),
                level(unique.severity()),
                keys.repeated(),
            ));
        }
        for (resolved, tally) in columns.into_iter().zip(&tallies) {
            match resolved {
                Resolved::Column(expected) => {
                    verdicts.extend(verdict::of_column(&expected, tally, rows))
                }
                Resolved::Unmet {
                    name,
                    level,
                    message,
                } => verdicts.push(Verdict::unmet(&name, level, message)),
            }
        }
        verdicts
    }
}
