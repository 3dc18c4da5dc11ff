//! `expect` checks that a table holds what a pipeline relies on, and fails the run if it does not.
//!
//! ```toml
//! [stage.validate]
//! use = "expect"
//! in = "flights"
//! params.rows = { min = 300000 }
//! params.unique = ["time_hour", "carrier", "flight", "origin"]
//! params.columns.origin = { type = "utf8", allowed = ["EWR", "JFK", "LGA"], max_null_share = 0 }
//! params.columns.tailnum = { matches = "^N[0-9]", mostly = 0.99 }
//! params.columns.dep_delay = [
//!   { min = -120, max = 2000, max_null_share = 0.03, severity = "warn" },
//!   { mean = { min = 5, max = 20 }, quantiles = [{ q = 0.99, max = 300 }] },
//! ]
//! params.compare = [{ column = "dep_time", op = "<=", with = "arr_time", mostly = 0.97 }]
//! ```
//!
//! The rows of the last run that succeeded are a parameter of the pipeline:
//!
//! ```toml
//! [params]
//! rows_before = { last = "validate.rows", default = false }
//!
//! [stage.validate]
//! params.rows = { previous = "$rows_before", max_change = 0.2 }
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `columns.NAME` | | the column is there, and keeps what is said of it below: a table, or a list of tables if not all have one severity or tolerance |
//! | `names` | | all columns of the table, in this order, and no others; or `{ columns, any_order = true, allow_others = true }` |
//! | `rows` | | `{ min, max, previous, max_change, severity }`: how many rows there are, and by what share they may be more or fewer than before. `previous` is a number, `false` where there was nothing before, or a table given as `inputs.previous` |
//! | `unique` | | columns that no two rows have the same values in: a list, `{ columns, mostly, severity }`, or a list of several such keys |
//! | `compare` | | a list of `{ column, op, with, mostly, severity }`: in each row, one column is `<`, `<=`, `==`, `!=`, `>=` or `>` another. Rows with a null in one are left out; NaN is only `!=` |
//! | `row_sums` | | a list of `{ columns, min, max, mostly, severity }`: what columns add up to in each row, in float64. Rows with a null in one are left out |
//! | `as_of` | | the time that ages are counted from, such as `"2013-01-31T00:00:00Z"`; a stage has no clock |
//! | `severity` | `"fail"` | `"fail"` or `"warn"`, where an expectation does not say it itself |
//! | `examples` | `5` | how many rows are shown of each expectation that is not met |
//! | `key` | the columns with the role `key` | the columns that name such a row, beside its number |
//!
//! | of a column | meaning |
//! |---|---|
//! | `type` | its type: `boolean`, `int32`, `int64`, `float32`, `float64`, `utf8`, `binary`, `timestamp`, `date`, `float32-list(n)`, `float64-list(n)` |
//! | `max_null_share` | nulls by rows, from 0 to 1; 0 for a column that is never null |
//! | `max_nan_share`, `max_infinite_share` | NaN or infinities by rows |
//! | `finite` | `true`: no value is NaN or infinite |
//! | `min`, `max` | the bounds of its values, themselves allowed. For numbers, dates (`"2013-01-31"`) and timestamps (`"2013-01-31T23:59:59Z"`); of the last two also `"as_of"` |
//! | `above`, `below` | bounds that are themselves not allowed |
//! | `allowed`, `forbidden` | the values that it may have, or may not: numbers, booleans, texts, dates or timestamps |
//! | `contains` | values that are there at least once |
//! | `most_common` | one of these is the most common value |
//! | `matches`, `not_matches` | a [pattern](https://docs.rs/regex/1/regex/#syntax) that is somewhere in each text, or in none; `^…$` for the whole text |
//! | `min_length`, `max_length` | characters of a text, bytes of a binary |
//! | `unique` | `true`: no value is there twice |
//! | `distinct`, `distinct_share` | `{ min, max }` of the number of different values, or of it by all values |
//! | `mean`, `median`, `std`, `sum` | `{ min, max }` of numbers; `std` is the sample's, with the divisor n - 1 |
//! | `quantiles` | a list of `{ q, min, max }`: exact, by linear interpolation between two values |
//! | `order` | `"increasing"`, `"strictly-increasing"`, `"decreasing"` or `"strictly-decreasing"`, row after row |
//! | `max_age` | the newest value is not older than so much before `as_of`: `"90min"`, `"36h"`, `"2d"`, `"1w"` |
//! | `mostly` | the share of values, from 0 to 1, that must be as expected by bounds, sets, patterns, lengths, `finite`, `unique` and `order`; all by default |
//! | `severity` | `"fail"` or `"warn"` |
//!
//! **Nulls** count for `max_null_share` only. **NaN** lies in no range, and is found wherever a bound or
//! `finite` is given, unless `max_nan_share` says how many there may be; statistics, `order` and ages leave it
//! out. Bounds and values of a float32 column are rounded to float32, so that `max = 0.1` allows the float32
//! that is written 0.1. -0.0 is 0.0. **A table without rows** meets every expectation of its values, but
//! `contains` and `max_age`.
//!
//! **A missing column or another type** is an error before anything runs; with `severity = "warn"`
//! it is a finding of the run, and nothing else is checked of the column. `names` is always checked
//! before anything runs.
//!
//! **Different** values and keys are told apart by a 128-bit hash: among a billion, two are taken for the same
//! with a probability of 10⁻²¹. Rows with a null in a key are no one's double; forbid them with
//! `max_null_share = 0`.
//!
//! # What comes out
//!
//! A finding for each expectation that is not met: a sentence with counts, extremes or values, and the rows
//! that it concerns, `2 values are below -120; the lowest is -300 (rows 811: carrier UA, flight 1545; …)`. Metrics
//! `rows`, `expectations`, `failed` and `warnings`. A report, which `trueline show --report validate` prints:
//!
//! ```json
//! { "rows": 327346, "failed": 1, "warnings": 0,
//!   "expectations": [
//!     { "subject": "dep_delay", "expected": "min -120", "severity": "fail", "met": false, "count": 2,
//!       "found": "2 values are below -120; the lowest is -300",
//!       "examples": [{ "row": 811, "value": "-300", "key": { "carrier": "UA", "flight": "1545" } }] } ] }
//! ```
//!
//! `count` are the rows that are otherwise, also if `mostly` allows them. Values are written as in a pipeline
//! file.
//!
//! **Examples** of values beyond a bound are those furthest from it, all others the first rows. `row` is counted from
//! 0 over the rows that the stage reads: of `flights` without a `where`, it is the row of the files one after another,
//! as in a data frame; of `flights.train` that of the part. `unique` shows rows that repeat a key, and which row they
//! repeat.
//!
//! # Order and memory
//!
//! A row brings its number along, so the check is mergeable: it gives the same bytes however rows are spread over
//! workers. `order` alone looks at one row after another; **with it the check says that it is not mergeable**, and one
//! instance sees all rows in order.
//!
//! Memory does not grow with the rows but for `unique` (64 bytes a row, 32 without `examples`), `distinct` (32),
//! quantiles (16) and `most_common` (up to 64).

mod check;
mod expectation;
mod kind;
mod params;
mod resolve;
mod rows;
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
        resolve::describe(params, inputs)
    }
}

export_check!(Expect);

#[cfg(test)]
mod tests;
