//! The feature store: one definition, one time contract, the same bytes offline and online.
//!
//! ```text
//!  features.toml ── definition ── registry         versions that names point to
//!
//!  files, pushes ── ingest ── log                  every row once, in one sequence
//!                              ├── offline         what a feature was at any instant: training_set
//!                              └── online          what it is now: read
//!
//!                   contract                       the rule of time that both decide by
//!                   http                           requests, Feast's among them
//! ```
//!
//! [`check`] reads a feature file into [`Definitions`]; [`FeatureStore::apply`] puts them in force.
//! [`FeatureStore::push`] and [`FeatureStore::materialize`] take rows in, [`FeatureStore::history`] makes a
//! training set as of each row's instant, and [`FeatureStore::get_features`] answers what features are now.
//! Clocks are the caller's: every call that depends on the present is told what it is.

mod agreement;
mod ask;
pub mod contract;
mod database;
mod dataset;
mod definition;
mod duration;
mod error;
mod expectations;
pub mod http;
mod in_force;
mod ingest;
mod key;
mod log;
mod offline;
mod online;
mod overview;
mod quarantine;
mod read;
mod registry;
mod row;
mod segments;
mod selection;
mod skew;
mod store;
mod streams;
mod table_file;
mod times;
mod training_set;
mod transform;
mod windows;

#[cfg(test)]
mod tests;

pub use ask::{Ask, Features};
pub use dataset::{TrainingColumns, TrainingRows, training_columns};
pub use definition::{
    About, Aggregate, Aggregates, AnyView, Change, Column, Definitions, DerivedInput, DerivedView,
    Entity, Expected, Feature, Function, JoinKey, Kind, Load, Planned, Service, ServiceFeature,
    Source, Stream, Tools, View, check, check_with,
};
pub use error::{Error, Result};
pub use ingest::Materialized;
pub use log::Receipt;
pub use offline::Counts;
pub use online::{
    ChangeTile, ONLINE_VARIABLE, OnlineRow, OnlineStore, OnlineWrite, PASSWORD_VARIABLE,
    STREAM_PASSWORD, Tile, TilePlace,
};
pub use overview::{Freshness, MadeTrainingSet, NamedVersion};
pub use quarantine::{QuarantineState, Quarantined, Sent};
pub use read::{Answer, AnsweredFeature, AnsweredView, Status};
pub use registry::Revision;
pub use selection::Selection;
pub use skew::{Cause, FeatureSkew, Skew, SkewExample};
pub use store::FeatureStore;
pub use streams::Ingested;
pub use training_set::{HistoryRequest, Made, Spine, SpineManifest, TrainingSet, ViewManifest};
