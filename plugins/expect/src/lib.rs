//! `expect` checks that a table holds what a pipeline relies on, and fails the run if it does not.
//!
//! ```toml
//! [stage.validate]
//! use = "expect"
//! in = "flights"
//! params.rows = { min = 300000 }
//! params.unique = ["time_hour", "carrier", "flight", "origin"]
//! params.columns.origin = { type = "utf8", allowed = ["EWR", "JFK", "LGA"], max_null_share = 0 }
//! params.columns.dep_delay = { min = -120, max = 2000, max_null_share = 0.03, severity = "warn" }
//! ```
//!
//! | parameter | meaning |
//! |---|---|
//! | `columns.NAME` | the column is there, and keeps what is said of it below |
//! | `names` | all columns of the table, in this order, and no others |
//! | `rows` | `{ min, max, severity }`: how many rows there are |
//! | `unique` | columns that no two rows have the same values in, as a list or `{ columns, severity }` |
//! | `severity` | `"fail"` (the default) or `"warn"`, where an expectation does not say it itself |
//!
//! | of a column | meaning |
//! |---|---|
//! | `type` | its type: `boolean`, `int32`, `int64`, `float32`, `float64`, `utf8`, `binary`, `timestamp`, `date`, `float32-list(n)`, `float64-list(n)` |
//! | `max_null_share` | nulls by rows, from 0 to 1 |
//! | `min`, `max` | the bounds of its values, themselves allowed. For numbers, dates (`"2013-01-31"`) and timestamps (`"2013-01-31T23:59:59Z"`) |
//! | `finite` | `true`: no value is NaN or infinite |
//! | `allowed` | the values it may have: of numbers, booleans, texts, dates or timestamps |
//! | `severity` | `"fail"` or `"warn"` |
//!
//! **Nulls** count for `max_null_share` only. **NaN** lies in no range, and is found wherever `min`,
//! `max` or `finite` is given. Bounds and values of a float32 column are rounded to float32, so that
//! `max = 0.1` allows the float32 that is written 0.1. -0.0 is 0.0.
//!
//! **A missing column or another type** is an error before anything runs; with `severity = "warn"`
//! it is a finding of the run, and nothing else is checked of the column. `names` is always checked
//! before anything runs.
//!
//! **Unique** keys are compared by a 128-bit hash of their values, 16 bytes a row: among a billion
//! different rows, two are taken for the same with a probability of 10⁻²¹. Rows with a null in the
//! key are no one's double; forbid them with `max_null_share = 0`.
//!
//! **What comes out**: a finding for each expectation that is not met, with counts, the lowest and
//! highest value or the first values (in their own order) that are not allowed; metrics `rows`,
//! `failed` and `warnings`; a report with every expectation and what was there instead.
//!
//! **Order-free and mergeable**, in memory that does not grow with the rows unless `unique` is given.

mod check;
mod expectation;
mod kind;
mod params;
mod tally;
mod unique;
mod verdict;

use trueline_sdk::prelude::*;

pub use check::Check;
pub use params::Params;

/// The stage.
pub struct Expect;

impl Stage for Expect {
    type Params = Params;
    type Reduce = Check;
    type Map = NoMap<Params>;

    fn describe(params: &Params, inputs: &[Input], _rows: Option<&Schema>) -> Result<Signature> {
        expectation::describe(params, inputs)
    }
}

export_check!(Expect);

#[cfg(test)]
mod tests;
