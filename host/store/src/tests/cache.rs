//! The cache: found again, checked again, and never two results for one key.

use serde_json::json;
use tempfile::TempDir;
use trueline_table::Digest;

use crate::testing::{engine, running, store};
use crate::{
    AttemptFailure, AttemptOutcome, CacheDecision, EngineIdentity, Error, IncidentKind, Kept,
    LogLevel, NewKey, NewLogLine, Output, RecipeRows, Results, RunId, StageKey, StageState, Store,
};

fn results(state: &[u8]) -> Results {
    Results {
        outputs: vec![
            Output::new("state", "state", state),
            Output::new("report", "report", "{}"),
        ],
        metrics: vec![("auc".to_owned(), 0.9), ("odd".to_owned(), f64::NAN)],
        findings: vec![json!({ "severity": "warn" })],
    }
}

fn key(rows: &str) -> NewKey {
    let table = Digest::of(rows.as_bytes());
    NewKey {
        key: Digest::of(format!("key of {rows}").as_bytes()),
        shape: Digest::of(b"shape"),
        ingredients: json!({ "table": table }),
        rows: 7,
        recipes: vec![RecipeRows {
            recipe: Digest::of(format!("recipe of {rows}").as_bytes()),
            table,
            rows: 7,
        }],
    }
}

fn fit(store: &Store, state: &[u8], key: NewKey) -> (RunId, Kept) {
    let run = running(store, &["fit"]);
    let id = store
        .start_attempt_with_key(&run, engine(), about())
        .unwrap();
    let line = NewLogLine {
        level: LogLevel::Info,
        message: "took in 7 rows".to_owned(),
        time_us: 7,
    };
    let kept = store
        .finish_with_key(&id, results(state), key, vec![line])
        .unwrap();
    assert_eq!(
        store.log(&run, "fit", 0, 9).unwrap()[0].message,
        "took in 7 rows"
    );
    (run, kept)
}

/// What a stage is about to be computed from.
fn about() -> StageKey {
    StageKey {
        stage: "fit".to_owned(),
        key: None,
        decision: CacheDecision::Miss,
        reason: None,
        source_run: None,
        source_stage: None,
        ingredients: json!({ "params": {} }),
    }
}

fn fitted() -> (TempDir, Store, RunId) {
    let (home, store) = store();
    let (run, kept) = fit(&store, &[7; 100_000], key("rows"));
    assert_eq!(kept, Kept::Succeeded);
    (home, store, run)
}

#[test]
fn a_result_is_found_by_its_key_and_taken_over() {
    let (_home, store, before) = fitted();
    let entry = store.cache_entry(&key("rows").key).unwrap().unwrap();
    assert_eq!((&entry.run, entry.rows, entry.hits), (&before, 7, 0));
    assert_eq!(store.cache_entry(&key("other").key).unwrap(), None);
    assert!(store.knows_shape(&key("other").shape).unwrap());

    let run = running(&store, &["fit"]);
    let ingredients = json!({ "table": "x" });
    let taken = store
        .cache_stage(&run, "fit", &entry, ingredients.clone())
        .unwrap();
    assert_eq!(taken.output("state"), Some(Digest::of(&[7; 100_000])));
    store
        .finish_run(&run, crate::RunOutcome::Succeeded)
        .unwrap();
    assert_eq!(
        store.outputs(&run).unwrap(),
        store.outputs(&before).unwrap()
    );
    let metrics = store.metrics(&run).unwrap();
    assert!(metrics[0].value == 0.9 && metrics[1].value.is_nan());
    assert_eq!(store.findings(&run).unwrap().len(), 1);
    let stage = &store.stages(&run).unwrap()[0];
    assert_eq!(stage.state, StageState::Cached);
    assert!(stage.reason.as_ref().unwrap().contains(before.as_str()));
    let known = &store.stage_keys(&run).unwrap()[0];
    assert_eq!(
        (known.decision, known.key),
        (CacheDecision::Hit, Some(entry.key))
    );
    assert_eq!(
        (&known.source_run, &known.ingredients),
        (&Some(before), &ingredients)
    );
    assert_eq!(store.cache_entry(&entry.key).unwrap().unwrap().hits, 1);
}

#[test]
fn an_output_that_is_gone_or_changed_is_no_hit() {
    let (_home, store, _) = fitted();
    let entry = store.cache_entry(&key("rows").key).unwrap().unwrap();
    let blob = store.blobs().path(&Digest::of(&[7; 100_000]));
    let run = running(&store, &["fit"]);
    let check = |expected: fn(&Error) -> bool| {
        let error = store
            .cache_stage(&run, "fit", &entry, json!({}))
            .unwrap_err();
        assert!(expected(&error), "{error}");
        assert_eq!(store.stages(&run).unwrap()[0].state, StageState::Pending);
        assert!(store.outputs(&run).unwrap().is_empty(), "undone as a whole");
    };
    std::fs::write(&blob, [8; 100_000]).unwrap();
    check(|error| matches!(error, Error::Corrupt { .. }));
    std::fs::remove_file(&blob).unwrap();
    check(|error| matches!(error, Error::Missing { .. }));
}

#[test]
fn another_result_for_a_key_is_an_incident() {
    let (_home, store, before) = fitted();
    let (_, kept) = fit(&store, &[7; 100_000], key("rows"));
    assert_eq!(kept, Kept::Succeeded, "the same again is welcome");

    let (run, kept) = fit(&store, b"other", key("rows"));
    let Kept::Nondeterministic(incident) = kept else {
        panic!("{kept:?}");
    };
    assert_eq!(
        (
            incident.kind,
            incident.known_run.as_ref(),
            &incident.found_run
        ),
        (IncidentKind::Result, Some(&before), &run)
    );
    assert!(incident.message().contains(before.as_str()));
    let stage = &store.stages(&run).unwrap()[0];
    assert_eq!(stage.state, StageState::Failed);
    assert!(stage.reason.as_ref().unwrap().contains("not deterministic"));
    assert_eq!(
        store.outputs(&run).unwrap().len(),
        2,
        "kept, to be compared"
    );
    assert_eq!(store.incidents().unwrap(), [*incident]);
    assert_eq!(
        store.cache_entry(&key("rows").key).unwrap(),
        None,
        "never a hit again"
    );
    let (_, kept) = fit(&store, &[7; 100_000], key("rows"));
    assert_eq!(kept, Kept::Succeeded);
    assert_eq!(store.cache_entry(&key("rows").key).unwrap(), None);
    let sql = "UPDATE incidents SET kind = 'rows'";
    assert!(
        store
            .write(move |connection| Ok(connection.execute(sql, [])?))
            .is_err()
    );
}

#[test]
fn other_rows_from_one_recipe_are_an_incident() {
    let (_home, store, _) = fitted();
    let mut other = key("other rows");
    other.recipes[0].recipe = key("rows").recipes[0].recipe;
    let (run, kept) = fit(&store, b"state", other);
    let Kept::Nondeterministic(incident) = kept else {
        panic!("{kept:?}");
    };
    assert_eq!(
        (incident.kind, incident.found_run),
        (IncidentKind::Rows, run)
    );
    assert_eq!(
        store.recipe_rows(&incident.digest).unwrap(),
        None,
        "nobody relies on it any more"
    );
}

#[test]
fn what_ran_says_what_from_even_if_it_failed() {
    let (_home, store, before) = fitted();
    let run = running(&store, &["fit"]);
    let id = store
        .start_attempt_with_key(&run, engine(), about())
        .unwrap();
    let failed = AttemptOutcome::Failed {
        failure: AttemptFailure::Trap,
        message: "no".to_owned(),
        retry: false,
    };
    store.finish_attempt(&id, failed).unwrap();
    assert_eq!(store.stage_keys(&run).unwrap(), [about()]);
    assert_eq!(store.earlier_key(&before, "fit").unwrap(), None);
    let later = running(&store, &["fit"]);
    let (earlier, _) = store.earlier_key(&later, "fit").unwrap().unwrap();
    assert_eq!(earlier, before, "one that came to an end");
}

#[test]
fn forgetting_is_by_age_or_by_engine() {
    let (_home, store, run) = fitted();
    let stats = store.cache_stats().unwrap();
    assert_eq!(
        (stats.entries, stats.recipes, stats.size_bytes),
        (1, 1, 100_002)
    );
    assert_eq!(stats.made_by, [("wasmtime 48".to_owned(), 1)]);

    assert_eq!(store.prune_cache(0).unwrap().entries, 0);
    assert!(matches!(
        store.purge_cache(Some("wasmtime 47")),
        Err(Error::NotFound { .. })
    ));
    let other = EngineIdentity {
        fingerprint: "wasmtime 49".to_owned(),
        ..engine()
    };
    store
        .remember_recipe(key("else").recipes[0], &other)
        .unwrap();
    match store.purge_cache(Some("wasmtime 4")) {
        Err(Error::Ambiguous { matches, .. }) => {
            assert_eq!(matches, ["wasmtime 48", "wasmtime 49"])
        }
        found => panic!("{found:?}"),
    }
    let forgotten = store.purge_cache(Some("wasmtime 48")).unwrap();
    assert_eq!((forgotten.entries, forgotten.recipes), (1, 1));
    assert_eq!(
        store.outputs(&run).unwrap().len(),
        2,
        "what a run made stays"
    );
    assert_eq!(store.prune_cache(i64::MAX).unwrap().recipes, 1);
}
