//! The life of a run: what is written down, and what is refused.

use serde_json::json;
use trueline_table::Digest;

use crate::testing::{attempt, engine, new_run, open, running};
use crate::{
    AttemptFailure, AttemptOutcome, AttemptState, NewStage, Output, Results, RunFailure,
    RunOutcome, RunPage, RunState, StageState,
};

fn results() -> Results {
    Results {
        outputs: vec![
            Output::new("state", "state", b"fitted"),
            Output::new("report", "report", vec![b' '; 100_000]),
        ],
        metrics: vec![("rows".into(), 3.0), ("auc".into(), f64::NAN)],
        findings: vec![json!({ "column": "b" }), json!({ "column": "a" })],
    }
}

#[test]
fn a_run_that_succeeds() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = store.create_run(new_run("flights")).unwrap();
    let component = Some(Digest::of(b"component"));
    let fit = NewStage {
        component,
        params: json!({ "b": [1.5, null], "a": "x" }),
        ..NewStage::new("fit", "transform")
    };
    let gate = NewStage {
        depends_on: vec!["fit".into()],
        ..NewStage::new("gate", "gate")
    };
    store.add_stages(&run, vec![fit.clone(), gate]).unwrap();
    store.start_run(&run).unwrap();
    let first = attempt(&store, &run, "fit");
    store
        .finish_attempt(&first, AttemptOutcome::Succeeded(results()))
        .unwrap();
    for state in [
        StageState::Ready,
        StageState::Running,
        StageState::Succeeded,
    ] {
        store
            .set_stage(&run, "gate", state, Some("auc >= 0.88"))
            .unwrap();
    }
    store.finish_run(&run, RunOutcome::Succeeded).unwrap();

    drop(store);
    let store = open(home.path());
    let read = store.run(run.as_str()).unwrap();
    assert_eq!(
        (read.summary.state, read.summary.failure, read.seed),
        (RunState::Succeeded, None, u64::MAX)
    );
    assert_eq!(read.params, json!({ "as_of": "2013-10-01T00:00:00Z" }));
    assert!(
        read.summary.started_us >= Some(read.summary.created_us)
            && read.summary.finished_us >= read.summary.started_us
    );

    let stages = store.stages(&run).unwrap();
    assert_eq!(
        stages
            .iter()
            .map(|stage| (stage.name.as_str(), stage.ordinal))
            .collect::<Vec<_>>(),
        [("fit", 0), ("gate", 1)]
    );
    assert_eq!(
        (stages[0].component, &stages[0].params, stages[0].state),
        (component, &fit.params, StageState::Succeeded)
    );
    assert_eq!(
        (stages[1].depends_on.as_slice(), stages[1].reason.as_deref()),
        (["fit".to_owned()].as_slice(), Some("auc >= 0.88"))
    );

    let attempts = store.attempts(&run).unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (
            attempts[0].number,
            attempts[0].state,
            attempts[0].profile.as_str()
        ),
        (1, AttemptState::Succeeded, "pure@1")
    );

    let outputs = store.outputs(&run).unwrap();
    assert_eq!(
        outputs
            .iter()
            .map(|output| (output.name.as_str(), output.size_bytes))
            .collect::<Vec<_>>(),
        [("report", 100_000), ("state", 6)]
    );
    assert_eq!(
        store.artifact(&outputs[0].digest).unwrap(),
        vec![b' '; 100_000]
    );
    assert_eq!(store.artifact(&outputs[1].digest).unwrap(), b"fitted");
    let metrics = store.metrics(&run).unwrap();
    assert!(metrics[0].name == "auc" && metrics[0].value.is_nan() && metrics[1].value == 3.0);
    let findings: Vec<_> = store
        .findings(&run)
        .unwrap()
        .into_iter()
        .map(|finding| finding.detail)
        .collect();
    assert_eq!(findings, results().findings);

    let kinds: Vec<_> = store
        .events(&run, 0, 100)
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            "run.queued",
            "run.running",
            "stage.ready",
            "stage.running",
            "attempt.running",
            "attempt.succeeded",
            "stage.succeeded",
            "stage.ready",
            "stage.running",
            "stage.succeeded",
            "run.succeeded"
        ]
    );
}

#[test]
fn an_attempt_that_fails_keeps_nothing_and_may_be_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &["fit", "later"]);
    let fail = |retry| AttemptOutcome::Failed {
        failure: AttemptFailure::Trap,
        message: "unreachable".into(),
        retry,
    };
    let first = attempt(&store, &run, "fit");
    store.finish_attempt(&first, fail(true)).unwrap();
    assert_eq!(store.stages(&run).unwrap()[0].state, StageState::Running);
    let second = store.start_attempt(&run, "fit", engine()).unwrap();
    assert_eq!(second.number, 2);
    store.finish_attempt(&second, fail(false)).unwrap();
    let message = "stage `fit` failed".to_owned();
    store
        .finish_run(
            &run,
            RunOutcome::Failed {
                failure: RunFailure::Stage,
                message,
            },
        )
        .unwrap();

    let attempts = store.attempts(&run).unwrap();
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.failure == Some(AttemptFailure::Trap))
    );
    let states: Vec<_> = store
        .stages(&run)
        .unwrap()
        .into_iter()
        .map(|stage| (stage.state, stage.reason))
        .collect();
    assert_eq!(states[0], (StageState::Failed, Some("unreachable".into())));
    assert_eq!(
        states[1],
        (StageState::Blocked, Some("the run failed".into()))
    );
    assert!(store.outputs(&run).unwrap().is_empty());
    let read = store.run(run.as_str()).unwrap();
    assert_eq!(
        (read.summary.failure, read.message.as_deref()),
        (Some(RunFailure::Stage), Some("stage `fit` failed"))
    );
}

#[test]
fn a_check_that_says_no_keeps_what_it_found() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &["validate"]);
    let id = attempt(&store, &run, "validate");
    let reason = "3 of 5 expectations were not met".to_owned();
    store
        .finish_attempt(
            &id,
            AttemptOutcome::Rejected {
                results: results(),
                reason: reason.clone(),
            },
        )
        .unwrap();
    let stage = &store.stages(&run).unwrap()[0];
    assert_eq!(
        (stage.state, stage.reason.as_ref()),
        (StageState::Failed, Some(&reason))
    );
    assert_eq!(
        store.attempts(&run).unwrap()[0].state,
        AttemptState::Succeeded
    );
    assert_eq!(store.findings(&run).unwrap().len(), 2);
}

#[test]
fn cancelling_leaves_nothing_running() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &["a", "b", "c"]);
    let id = attempt(&store, &run, "a");
    store.wait_run(&run).unwrap();
    store.start_run(&run).unwrap();
    store.finish_run(&run, RunOutcome::Cancelled).unwrap();
    assert_eq!(
        store.attempts(&run).unwrap()[0].state,
        AttemptState::Cancelled
    );
    let states: Vec<_> = store
        .stages(&run)
        .unwrap()
        .iter()
        .map(|stage| stage.state)
        .collect();
    assert_eq!(
        states,
        [StageState::Failed, StageState::Blocked, StageState::Blocked]
    );

    let late = store
        .finish_attempt(&id, AttemptOutcome::Succeeded(results()))
        .unwrap_err();
    let expected =
        format!("attempt 1 of stage `a` of {run} is cancelled and cannot become succeeded");
    assert_eq!(late.to_string(), expected);
    assert!(store.outputs(&run).unwrap().is_empty());
}

#[test]
fn what_is_out_of_order_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &["a", "b"]);
    let nobody = "run_0000000000000000".parse().unwrap();
    let first = attempt(&store, &run, "a");
    let done = || RunOutcome::Succeeded;
    let finished = store.create_run(new_run("other")).unwrap();
    store.finish_run(&finished, RunOutcome::Cancelled).unwrap();
    let cases = [
        (store.start_run(&nobody), "there is no run `run_0000000000000000`".to_owned()),
        (store.start_run(&run), format!("{run} is running and cannot become running")),
        (store.finish_run(&run, done()), "the store refused a change: a run cannot finish before its stages".to_owned()),
        (store.finish_run(&finished, done()), format!("{finished} is cancelled and cannot become succeeded")),
        (store.add_stages(&finished, vec![NewStage::new("x", "y")]), "the store refused a change: a finished run gets no new stage".to_owned()),
        (store.set_stage(&run, "b", StageState::Succeeded, None), format!("stage `b` of {run} is pending and cannot become succeeded")),
        (store.set_stage(&run, "c", StageState::Ready, None), format!("there is no stage `c` of `{run}`")),
        (store.set_stage(&run, "a", StageState::Failed, None), "the store refused a change: a stage cannot finish before its attempt".to_owned()),
        (store.start_attempt(&run, "c", engine()).map(drop), format!("there is no stage `c` of `{run}`")),
        (store.start_attempt(&run, "a", engine()).map(drop), "the store refused a change: UNIQUE constraint failed: attempts.tenant, attempts.run_id, attempts.stage".to_owned()),
    ];
    for (result, expected) in cases {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    store.wait_run(&run).unwrap();
    store.set_stage(&run, "b", StageState::Ready, None).unwrap();
    let error = store
        .start_attempt(&run, "b", engine())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the store refused a change: an attempt needs a running stage of a running run"
    );
    store.start_run(&run).unwrap();
    store
        .finish_attempt(&first, AttemptOutcome::Succeeded(Results::default()))
        .unwrap();
}

#[test]
fn the_list_is_paged_from_the_newest() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let runs: Vec<_> = (0..7)
        .map(|index| {
            store
                .create_run(new_run(if index % 2 == 0 { "even" } else { "odd" }))
                .unwrap()
        })
        .collect();
    let mut page = RunPage {
        limit: 3,
        ..RunPage::default()
    };
    let mut listed = Vec::new();
    loop {
        let found = store.runs(&page).unwrap();
        page.before = found.last().map(|run| run.id.clone());
        if found.is_empty() {
            break;
        }
        listed.extend(found.into_iter().map(|run| run.id));
    }
    assert!(listed.iter().eq(runs.iter().rev()));
    let odd = store
        .runs(&RunPage {
            pipeline: Some("odd".into()),
            before: Some(runs[4].clone()),
            limit: 9,
        })
        .unwrap();
    assert_eq!(
        odd.iter().map(|run| &run.id).collect::<Vec<_>>(),
        [&runs[3], &runs[1]]
    );
}

#[test]
fn a_run_is_found_by_the_start_of_its_id() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = store.create_run(new_run("flights")).unwrap();
    for text in [
        run.as_str(),
        &run.as_str()["run_".len()..],
        &run.as_str()[..6],
    ] {
        assert_eq!(store.run(text).unwrap().summary.id, run, "{text}");
    }
    let error = store.run("zzz").unwrap_err();
    assert_eq!(error.to_string(), "there is no run `zzz`");
    assert_eq!(error.hint(), Some("list the runs with `trueline runs`"));
    let other = store.create_run(new_run("flights")).unwrap();
    let error = store.run(&run.as_str()[..5]).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` is the start of more than one run:\n  {other}\n  {run}",
            &run.as_str()[..5]
        )
    );
}
