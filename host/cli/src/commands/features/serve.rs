//! `trueline features serve --listen ADDRESS`

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::store;
use crate::commands::serve::stop;
use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6566")]
    listen: SocketAddr,
}

pub(super) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    listener.set_nonblocking(true)?;
    let store = Arc::new(store(context)?);
    let address = listener.local_addr()?;
    let stop = stop::asked()?;
    context.answer(&json!({ "address": address.to_string() }), || {
        format!("features on http://{address}\n")
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let server = axum::serve(listener, trueline_features::http::router(store));
        server.with_graceful_shutdown(stop).await
    })?;
    Ok(Exit::Done)
}
