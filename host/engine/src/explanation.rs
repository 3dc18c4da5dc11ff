//! Why each stage of a run ran, or did not have to.

use serde::Serialize;
use serde_json::Value;
use trueline_store::{CacheDecision, Result, RunId, Stage, StageKey, StageState, Store};
use trueline_table::Digest;

use crate::{Change, changes};

/// Why the stages of a run ran, or did not have to.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub run: RunId,
    pub pipeline: String,
    pub stages: Vec<Explained>,
}

/// Why a stage ran, or did not have to.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    pub stage: String,
    pub state: StageState,
    /// None of a gate, and of a stage that never began.
    pub decision: Option<CacheDecision>,
    pub key: Option<Digest>,
    /// In a sentence.
    pub why: String,
    /// The run that its ingredients are compared with: the one whose result it took, or else the one before.
    pub compared_with: Option<RunId>,
    /// What differs from there.
    pub changes: Vec<Change>,
    /// All that its result was computed from.
    pub ingredients: Option<Value>,
}

/// Explains every stage of a run, which may be named by the start of its id, in the order of its plan.
///
/// # Errors
/// If there is no such run, or the store cannot be read.
pub fn explain(store: &Store, reference: &str) -> Result<Explanation> {
    let run = store.run(reference)?.summary;
    let mut keys = store.stage_keys(&run.id)?;
    let mut stages = Vec::new();
    for stage in store.stages(&run.id)? {
        let known = keys.iter().position(|key| key.stage == stage.name);
        let key = known.map(|position| keys.swap_remove(position));
        stages.push(explain_one(store, &run.id, stage, key)?);
    }
    Ok(Explanation {
        run: run.id,
        pipeline: run.pipeline,
        stages,
    })
}

/// Explains one stage of a run; none if it has no such stage.
///
/// # Errors
/// If the store cannot be read.
pub fn explain_stage(store: &Store, run: &RunId, name: &str) -> Result<Option<Explained>> {
    let stage = store
        .stages(run)?
        .into_iter()
        .find(|stage| stage.name == name);
    let Some(stage) = stage else {
        return Ok(None);
    };
    let key = store
        .stage_keys(run)?
        .into_iter()
        .find(|key| key.stage == name);
    explain_one(store, run, stage, key).map(Some)
}

fn explain_one(
    store: &Store,
    run: &RunId,
    stage: Stage,
    key: Option<StageKey>,
) -> Result<Explained> {
    let mut explained = Explained {
        why: stage.reason.unwrap_or_default(),
        stage: stage.name,
        state: stage.state,
        decision: None,
        key: None,
        compared_with: None,
        changes: Vec::new(),
        ingredients: None,
    };
    match key {
        Some(key) => explain_key(store, run, key, &mut explained)?,
        None if stage.kind == "gate" => {
            explained.why = "a gate decides anew in every run".to_owned();
        }
        None if explained.why.is_empty() => explained.why = "it has not begun".to_owned(),
        None => {}
    }
    Ok(explained)
}

fn explain_key(store: &Store, run: &RunId, key: StageKey, explained: &mut Explained) -> Result<()> {
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
