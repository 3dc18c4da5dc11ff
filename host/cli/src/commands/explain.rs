//! `trueline explain RUN [STAGE]`

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_engine::{Change, changes};
use trueline_store::{CacheDecision, RunId, StageKey, StageState, Store};
use trueline_table::Digest;

use super::show::latest;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run, or the start of its id [default: the latest]
    run: Option<String>,
    /// The stage [default: all of them]
    stage: Option<String>,
}

/// Why the stages of a run ran, or did not have to.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    pub(crate) run: RunId,
    pub(crate) pipeline: String,
    pub(crate) stages: Vec<Explained>,
}

/// Why a stage ran, or did not have to.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    pub(crate) stage: String,
    pub(crate) state: StageState,
    /// None of a gate, and of a stage that never began.
    pub(crate) decision: Option<CacheDecision>,
    pub(crate) key: Option<Digest>,
    /// In a sentence.
    pub(crate) why: String,
    /// The run that its ingredients are compared with: the one whose result it took, or else the one before.
    pub(crate) compared_with: Option<RunId>,
    /// What differs from there.
    pub(crate) changes: Vec<Change>,
    /// All that its result was computed from.
    pub(crate) ingredients: Option<Value>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = context.store()?;
    let reference = match &arguments.run {
        Some(run) => run.clone(),
        None => latest(&store)?.to_string(),
    };
    let mut explanation = explain(&store, &reference)?;
    if let Some(wanted) = &arguments.stage {
        let names: Vec<String> = explanation
            .stages
            .iter()
            .map(|stage| stage.stage.clone())
            .collect();
        explanation.stages.retain(|stage| stage.stage == *wanted);
        if explanation.stages.is_empty() {
            let names = || names.iter().map(String::as_str);
            let hint = did_you_mean(wanted, names())
                .unwrap_or_else(|| format!("its stages are {}", list_some(names())));
            let message = format!("{} has no stage `{wanted}`", explanation.run);
            return Err(Problem::new(message).hint(hint).into());
        }
    }
    let in_full = arguments.stage.is_some();
    context.answer(&explanation, || {
        views::explain::explain(&explanation, in_full, context.style)
    })?;
    Ok(Exit::Done)
}

pub(crate) fn explain(store: &Store, reference: &str) -> trueline_store::Result<Explanation> {
    let run = store.run(reference)?.summary;
    let mut keys = store.stage_keys(&run.id)?;
    let mut stages = Vec::new();
    for stage in store.stages(&run.id)? {
        let known = keys.iter().position(|key| key.stage == stage.name);
        let mut explained = Explained {
            why: stage.reason.clone().unwrap_or_default(),
            stage: stage.name,
            state: stage.state,
            decision: None,
            key: None,
            compared_with: None,
            changes: Vec::new(),
            ingredients: None,
        };
        match known.map(|position| keys.swap_remove(position)) {
            Some(key) => explain_key(store, &run.id, key, &mut explained)?,
            None if stage.kind == "gate" => {
                explained.why = "a gate decides anew in every run".to_owned();
            }
            None if explained.why.is_empty() => explained.why = "it has not begun".to_owned(),
            None => {}
        }
        stages.push(explained);
    }
    Ok(Explanation {
        run: run.id,
        pipeline: run.pipeline,
        stages,
    })
}

fn explain_key(
    store: &Store,
    run: &RunId,
    key: StageKey,
    explained: &mut Explained,
) -> trueline_store::Result<()> {
    explained.decision = Some(key.decision);
    explained.key = key.key;
    if let (CacheDecision::Hit, Some(source)) = (key.decision, &key.source_run) {
        explained.why = format!("all that its result depends on is as in {source}");
        explained.compared_with = Some(source.clone());
        explained.ingredients = Some(key.ingredients);
        return Ok(());
    }
    let earlier = store.earlier_key(run, &key.stage)?;
    if let Some((earlier, before)) = earlier {
        explained.changes = changes(&before.ingredients, &key.ingredients);
        explained.compared_with = Some(earlier.clone());
        explained.why = match (&key.reason, key.decision) {
            (Some(reason), _) => reason.clone(),
            (None, CacheDecision::Off) => "the cache was not asked".to_owned(),
            (None, _) => match explained.changes.len() {
                0 if before.key == key.key => {
                    format!("nothing has changed since {earlier}, but its result was not kept")
                }
                0 => format!("it did not come to an end; nothing has changed since {earlier}"),
                1 => format!("something has changed since {earlier}"),
                count => format!("{count} things have changed since {earlier}"),
            },
        };
    } else {
        explained.why = match (&key.reason, key.decision) {
            (Some(reason), _) => reason.clone(),
            (None, CacheDecision::Off) => "the cache was not asked".to_owned(),
            (None, _) => "it ran for the first time".to_owned(),
        };
    }
    explained.ingredients = Some(key.ingredients);
    Ok(())
}
