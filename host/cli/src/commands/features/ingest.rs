//! `trueline features ingest`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use trueline_features::{FeatureStore, Ingested};

use super::store;
use crate::commands::cache::now_us;
use crate::commands::serve::stop;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

/// How often streams are asked for what is new.
const EVERY: Duration = Duration::from_millis(100);
/// And those of a server that is away.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) fn execute(context: &Context) -> anyhow::Result<Exit> {
    let store = Arc::new(store(context)?);
    let revision = store.revision()?;
    if revision
        .definitions
        .sources
        .values()
        .all(|source| source.stream.is_none())
    {
        let problem = Problem::new("no source has a stream");
        let hint = "name one in the feature file: [source.<name>.stream] with `redis` and `key`";
        return Err(problem.hint(hint).into());
    }
    let stop = stop::asked()?;
    context.tell("reading streams; Ctrl-C ends it");
    // Whatever moment it ends at, nothing is lost or doubled.
    let reader = store.clone();
    let speaker = context.clone();
    std::thread::spawn(move || {
        follow(&reader, |done| {
            // Rows are taken in whether anybody reads of it or not.
            let _ = speaker.answer(&done, || views::features::ingested(&done));
        });
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(stop);
    Ok(Exit::Done)
}

/// Takes in what comes, until the process ends. A server that is away is told of once.
pub(super) fn follow(store: &FeatureStore, told: impl Fn(BTreeMap<String, Ingested>)) {
    let mut was_told = false;
    loop {
        let wait = match store.ingest(now_us()) {
            Ok(done) => {
                was_told = false;
                if !done.is_empty() {
                    told(done);
                }
                EVERY
            }
            Err(error) => {
                if !was_told {
                    eprintln!("trueline: {error}");
                    was_told = true;
                }
                AGAIN
            }
        };
        std::thread::sleep(wait);
    }
}
