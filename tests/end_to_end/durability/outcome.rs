//! What a run came to, all that must be the same however often it was interrupted.

use std::collections::{BTreeMap, BTreeSet};

use trueline_store::{RunId, RunPage, StageState, Store};

/// What the latest run of a home came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    state: String,
    message: Option<String>,
    /// How each stage ended, and the digest of all that it gave back if it worked.
    stages: BTreeMap<String, (String, Option<String>)>,
    /// The tables that were read.
    datasets: BTreeMap<String, String>,
    /// The packages, by digest, with their verdicts.
    packages: Vec<String>,
}

impl Outcome {
    pub(crate) fn latest(store: &Store) -> Self {
        let latest = latest(store);
        let run = store.run(latest.as_str()).unwrap();
        let stage = |stage: trueline_store::Stage| {
            let has_result = matches!(stage.state, StageState::Succeeded | StageState::Cached);
            let is_gate = stage.component.is_none();
            let result = (has_result && !is_gate).then(|| {
                store
                    .result_digest(&latest, &stage.name)
                    .unwrap()
                    .to_string()
            });
            // That a result was taken over is all that may differ.
            let state = match has_result {
                true => "done".to_owned(),
                false => format!("{}: {}", stage.state, stage.reason.unwrap_or_default()),
            };
            (stage.name, (state, result))
        };
        let datasets = store.datasets(&latest).unwrap().into_iter();
        let packages = store.packages(None, 100).unwrap().into_iter();
        Self {
            state: run.summary.state.to_string(),
            message: run.message,
            stages: store
                .stages(&latest)
                .unwrap()
                .into_iter()
                .map(stage)
                .collect(),
            datasets: datasets
                .map(|dataset| (dataset.name, dataset.table_digest.to_string()))
                .collect(),
            packages: packages
                .map(|package| format!("{}@{} {}", package.name, package.version, package.digest))
                .collect(),
        }
    }
}

/// The stages that the latest run of a home computed anew.
pub(crate) fn computed(store: &Store) -> BTreeSet<String> {
    let latest = latest(store);
    let stages = store.stages(&latest).unwrap().into_iter();
    let computed =
        stages.filter(|stage| stage.component.is_some() && stage.state == StageState::Succeeded);
    computed.map(|stage| stage.name).collect()
}

fn latest(store: &Store) -> RunId {
    let page = RunPage {
        limit: 1,
        ..RunPage::default()
    };
    store.runs(&page).unwrap().remove(0).id
}
