//! The pages over the run store, and the same as JSON.
//!
//! [`serve`] answers on a listener until it is told to end. A request goes through it like this:
//!
//! ```text
//! guard ── routes ── api ──┬── pages   HTML, drawn on the server; htmx for what moves
//! whose request   what     └── JSON    the same under /v1, with /v1/openapi.json
//! is answered     the store says
//! ```
//!
//! What a page shows and what its JSON twin answers is loaded by one function of `api`, so they cannot disagree. Every
//! question is answered from the store at the moment it is asked; nothing is kept but profiles of datasets.
//!
//! A run that is started from a page runs in this process, on a thread that the `runner` owns. When the server is to
//! end, it first stops answering, then gives these runs up and waits until each has been closed in the store.
//!
//! Store and runs block, so requests wait for them on tokio's blocking threads; only connections are asynchronous.

mod api;
mod app;
mod assets;
mod checked;
mod graph;
mod guard;
mod html;
mod json;
mod live;
mod pages;
mod problem;
mod profiles;
mod routes;
mod runner;
mod serve;

pub use app::Config;
pub use serve::serve;
