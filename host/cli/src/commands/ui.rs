//! `trueline ui [PIPELINE]…`

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use trueline_store::SystemClock;
use trueline_web::Config;

use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::plugins::Shelf;
use crate::{home, interrupt};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Pipeline files that can be run from a page, beside those which have run in this home
    pipelines: Vec<PathBuf>,
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8421")]
    listen: SocketAddr,
    /// A name by which browsers may ask for the pages, beside `localhost` and addresses; may be given
    /// several times
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
}

/// Where the pages are.
#[derive(Debug, Serialize)]
struct Listening {
    url: String,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let pipelines = arguments.pipelines.iter().map(existing);
    let pipelines = pipelines.collect::<Result<Vec<_>, _>>()?;
    let store = match pipelines.first() {
        Some(first) => home::open_store(&context.home_of(first))?,
        // Features have pages too, where nothing has run yet.
        None => match context.nearest_home() {
            Some(home) if home.join("features").is_dir() => home::open_store(&home)?,
            _ => context.store()?,
        },
    };
    let home = store.home().to_owned();
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let config = Config {
        store,
        runtime: context.runtime(Some(&home))?,
        plugins: Arc::new(Shelf { home }),
        pipelines,
        hosts: arguments.host.clone(),
        clock: Arc::new(SystemClock),
    };
    let cancel = interrupt::cancel_on_interrupt()?;
    if !address.ip().is_loopback() {
        context.note("whoever reaches this address may see everything here and start runs: there are no accounts");
    }
    let listening = Listening {
        url: format!("http://{address}/"),
    };
    context.answer(&listening, || format!("{}\n", listening.url))?;
    context.note("Ctrl-C ends it, and gives up the runs that were started from its pages");
    trueline_web::serve(config, listener, &cancel)?;
    Ok(Exit::Done)
}

fn existing(file: &PathBuf) -> anyhow::Result<PathBuf> {
    if file.is_file() {
        return Ok(std::path::absolute(file)?);
    }
    let message = format!("there is no pipeline file {}", file.display());
    Err(Problem::new(message).into())
}
