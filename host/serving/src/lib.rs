//! Prediction from a package, and the protocols that clients speak.
//!
//! ```text
//!  connection ─ protocols/* ─▶ exchange ─▶ trueline-wire reads rows ─▶ Model::predict ─▶ wire writes ─▶
//!  server.rs     thin           one function for all of them            fresh sandboxes
//! ```
//!
//! A [`Service`] holds the [`Model`] that answers at the moment; [`Service::swap`] puts another in its
//! place, and each request is read, computed and answered with the one that it found, whose digest the
//! answer carries. A [`Fleet`] holds many, which are loaded and unloaded by name. [`serve`] accepts connections until it is told to stop, and then finishes what it took.
//!
//! Threads: each I/O thread runs an event loop of its own, and a connection stays on one. A prediction that
//! takes microseconds runs right there, since handing it over would take longer than computing it. It may
//! take ten milliseconds; then it is stopped, and, because stages are pure, simply begun again on one of the
//! [workers](workers), where bodies too large for an event loop go at once. A chain of stages stays on one
//! thread either way.

mod aside;
mod body;
mod challenger;
mod exchange;
mod extract;
mod fleet;
mod front;
mod metrics;
mod model;
mod openapi;
mod problem;
mod protocols;
mod recorder;
mod server;
mod service;
mod settings;
mod workers;

pub use challenger::{Comparison, Difference, Report};
pub use extract::{Extract, Features, Unread};
pub use fleet::{Fleet, IN_ARCHIVE};
pub use model::{Model, Names};
pub use recorder::Recording;
pub use server::{Site, serve};
pub use service::{Service, Shadow};
pub use settings::Settings;
pub use trueline_wire::invocations::Flavour;
