//! `trueline features serve --listen ADDRESS`

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use trueline_features::FeatureStore;
use trueline_serving::{Settings, Site, serve};

use super::{ingest, store};
use crate::commands::cache::now_us;
use crate::commands::serve::{share, stop};
use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6566")]
    listen: SocketAddr,
    /// The share of all entities whose answers are recorded, for `features skew`
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    record_share: f64,
}

/// How often the online store is held against the log: another process may have been stopped between the
/// two, or the store may have been away.
const CATCH_UP: Duration = Duration::from_secs(1);

pub(super) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let store = Arc::new(store(context)?);
    store.record_answers(arguments.record_share);
    let behind = store.clone();
    std::thread::spawn(move || keep_up(&behind));
    let reader = store.clone();
    std::thread::spawn(move || ingest::follow(&reader, |_| ()));
    let address = listener.local_addr()?;
    let stop = stop::asked()?;
    context.answer(&json!({ "address": address.to_string() }), || {
        format!("features on http://{address}\n")
    })?;
    let settings = Settings {
        // What takes longer goes to threads that may block, of which the event loops have some.
        worker_threads: 1,
        ..Settings::default()
    };
    let router = trueline_features::http::router(store);
    serve(listener, Site::of_router(router, settings)?, stop)?;
    Ok(Exit::Done)
}

/// Brings online what is only in the log, until the process ends. A store that is away is told of once.
fn keep_up(store: &FeatureStore) {
    let mut was_told = false;
    loop {
        match store.catch_up_all(now_us()) {
            Ok(_) => was_told = false,
            Err(error) if !was_told => {
                eprintln!("trueline: the online store is behind: {error}");
                was_told = true;
            }
            Err(_) => {}
        }
        std::thread::sleep(CATCH_UP);
    }
}
