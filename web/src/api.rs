//! What pages show and `/v1` answers: one function loads it, a page draws it, and JSON has it as it is. So the two
//! can never disagree.
//!
//! Every loader reads the store and nothing else, in time that does not grow with its history. Times are microseconds
//! since 1970, UTC; digests are `sha256:` and 64 hexadecimal digits; states are the words of the store.

pub(crate) mod artifact;
pub(crate) mod cursor;
pub(crate) mod dataset;
pub(crate) mod features;
pub(crate) mod lineage;
pub(crate) mod packages;
pub(crate) mod pipelines;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod stage;
pub(crate) mod study;
