//! The ops: one family a file.

mod assemble;
mod clip;
mod date_parts;
mod given;
mod impute;
mod log1p;
mod one_hot;
mod ordinal;
mod scale;

use trueline_sdk::Result;

use crate::walk::Here;

pub(crate) use assemble::Assemble;
pub(crate) use clip::Clip;
pub(crate) use date_parts::{DateParts, Part};
pub(crate) use impute::Impute;
pub(crate) use log1p::Log1p;
pub(crate) use one_hot::OneHot;
pub(crate) use ordinal::Ordinal;
pub(crate) use scale::{MinMaxScale, StandardScale};

/// What a step does to the table, as a plan: no row is there yet.
pub(crate) trait Op {
    /// What pipelines call it.
    fn name(&self) -> &'static str;

    /// Replaces, adds and removes columns, and says what has to be learned from which.
    ///
    /// # Errors
    /// [`Error::Params`](trueline_sdk::Error::Params) and
    /// [`Error::Schema`](trueline_sdk::Error::Schema); the step is put in front.
    fn apply(&self, here: &mut Here<'_>) -> Result<()>;
}
