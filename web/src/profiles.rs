//! Profiles of datasets, made by the standard stage `profile` when a page asks for one, and kept for the next look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use trueline_dataset::{Dataset, ScanOptions};
use trueline_runtime::{Input, Limits};
use trueline_table::Digest;

use crate::app::App;
use crate::problem::Problem;

/// So many are kept; which are forgotten first does not matter.
const KEPT: usize = 32;
/// About so many rows are described; of a larger dataset, batches at equal distances.
const MOST_ROWS: u64 = 1_000_000;

type Slot = Arc<OnceLock<Result<Value, Problem>>>;

/// Profiles by what they are of.
#[derive(Default)]
pub(crate) struct Profiles {
    known: Mutex<BTreeMap<Digest, Slot>>,
    /// Held while one is made: it keeps a processor busy for seconds.
    making: Mutex<()>,
}

impl Profiles {
    /// The profile of the rows that `key` stands for, which is made if it is not known. Whoever asks for the same
    /// at the same time waits for it.
    pub(crate) fn of(
        &self,
        app: &App,
        key: Digest,
        dataset: &Dataset,
        stride: usize,
    ) -> Result<Value, Problem> {
        let slot = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KEPT && !known.contains_key(&key) {
                known.pop_first();
            }
            known.entry(key).or_default().clone()
        };
        let answer = slot.get_or_init(|| {
            let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
            make(app, dataset, stride)
        });
        answer.clone()
    }
}

/// One in so many batches is looked at in a dataset with so many rows.
pub(crate) fn stride(rows: u64) -> usize {
    usize::try_from(rows.div_ceil(MOST_ROWS)).map_or(usize::MAX, |stride| stride.max(1))
}

fn make(app: &App, dataset: &Dataset, stride: usize) -> Result<Value, Problem> {
    let shared = &app.shared;
    let component = shared.plugins.find("profile");
    let component = component.ok_or_else(|| Problem::failed("there is no stage `profile`"))?;
    let stage = shared.runtime.admit(&component).map_err(Problem::failed)?;
    let inputs = [Input::rows(dataset.schema().clone())];
    let signature = stage
        .describe("{}", &inputs, None)
        .map_err(Problem::failed)?;
    let Some(reduction) = signature.reduction else {
        return Err(Problem::failed("the stage `profile` reduces nothing"));
    };
    let reads = reduction.reads.first().cloned().unwrap_or_default();
    let schema = dataset.schema().select(&reads).map_err(Problem::failed)?;
    let inputs = [Input::rows(schema)];
    let mut outcome = trueline_runtime::Outcome::default();
    for pass in 0..reduction.passes {
        let limits = Limits::default();
        let running = stage.reduce("{}", &inputs, pass, &outcome.state, &limits, None);
        let mut running = running.map_err(Problem::failed)?;
        let options = ScanOptions {
            columns: Some(reads.clone()),
            ..ScanOptions::default()
        };
        let batches = dataset.scan(&options).map_err(Problem::failed)?;
        for batch in batches.step_by(stride) {
            let batch = batch.map_err(Problem::failed)?;
            running.update(0, &batch).map_err(Problem::failed)?;
        }
        outcome = running.finish().map_err(Problem::failed)?;
    }
    let report = outcome.report.unwrap_or_default();
    serde_json::from_str(&report).map_err(Problem::failed)
}
