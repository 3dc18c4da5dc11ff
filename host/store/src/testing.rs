//! What the tests of this crate share.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;
use trueline_table::Digest;

use crate::{AttemptId, Clock, EngineIdentity, NewRun, NewStage, RunId, StageState, Store};

/// Starts in the year 2025 and advances by one microsecond whenever it is asked.
#[derive(Debug, Default)]
pub(crate) struct TestClock {
    asked: AtomicI64,
}

impl Clock for TestClock {
    fn now_us(&self) -> i64 {
        1_735_689_600_000_000 + self.asked.fetch_add(1, Ordering::Relaxed)
    }

    fn random(&self) -> io::Result<u64> {
        Ok(0x5eed)
    }
}

/// A store in a home of its own, which goes with the directory.
pub(crate) fn store() -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    (home, store)
}

pub(crate) fn open(home: &Path) -> Store {
    Store::open(home, crate::SystemClock).unwrap()
}

pub(crate) fn new_run(pipeline: &str) -> NewRun {
    NewRun {
        pipeline: pipeline.to_owned(),
        pipeline_digest: Digest::of(b"pipeline"),
        lock_digest: Digest::of(b"lock"),
        seed: u64::MAX,
        params: json!({ "as_of": "2013-10-01T00:00:00Z" }),
    }
}

/// A run of the pipeline `flights` that has started, with these stages pending.
pub(crate) fn running(store: &Store, stages: &[&str]) -> RunId {
    let run = store.create_run(new_run("flights")).unwrap();
    let stages = stages
        .iter()
        .map(|name| NewStage::new(*name, "transform"))
        .collect();
    store.add_stages(&run, stages).unwrap();
    store.start_run(&run).unwrap();
    run
}

/// The first attempt of a stage that was pending.
pub(crate) fn attempt(store: &Store, run: &RunId, stage: &str) -> AttemptId {
    store
        .set_stage(run, stage, StageState::Ready, None)
        .unwrap();
    store.start_attempt(run, stage, engine()).unwrap()
}

pub(crate) fn engine() -> EngineIdentity {
    EngineIdentity {
        profile: "pure@1".into(),
        fingerprint: "wasmtime 48".into(),
    }
}
