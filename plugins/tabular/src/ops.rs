//! The ops: one family a file.

mod assemble;
mod bucketize;
mod cast;
mod clip;
mod compute;
mod cross;
mod cyclic;
mod date_parts;
mod frequency;
mod given;
mod hash;
mod impute;
mod log1p;
mod max_abs;
mod one_hot;
mod ordinal;
mod per_number;
mod polynomial;
mod power;
mod quantile_scale;
mod robust;
mod scale;
mod shape;
mod target;
mod texts;
mod time_difference;

use trueline_sdk::Result;

use crate::walk::Here;

pub(crate) use assemble::Assemble;
pub(crate) use bucketize::Bucketize;
pub(crate) use cast::Cast;
pub(crate) use clip::Clip;
pub(crate) use compute::Compute;
pub(crate) use cross::Cross;
pub(crate) use cyclic::Cyclic;
pub(crate) use date_parts::{DateParts, Offset, Part};
pub(crate) use frequency::Frequency;
pub(crate) use hash::Hash;
pub(crate) use impute::Impute;
pub(crate) use log1p::Log1p;
pub(crate) use max_abs::MaxAbsScale;
pub(crate) use one_hot::OneHot;
pub(crate) use ordinal::Ordinal;
pub(crate) use polynomial::Polynomial;
pub(crate) use power::PowerScale;
pub(crate) use quantile_scale::QuantileScale;
pub(crate) use robust::RobustScale;
pub(crate) use scale::{MinMaxScale, StandardScale};
pub(crate) use shape::{Drop, Rename, Select};
pub(crate) use target::Target;
pub(crate) use texts::{Lower, RegexExtract, TextLength, Trim};
pub(crate) use time_difference::TimeDifference;

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

/// The default of options that are on.
fn yes() -> bool {
    true
}
