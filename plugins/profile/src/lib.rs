//! `profile` describes every column of a table, for people, for pages and for drift checks.
//!
//! ```toml
//! [stage.profile]
//! use = "profile"
//! in = "flights.train"
//! params = { top = 20, edges = { dep_delay = [-30, 0, 15, 60, 240] } }
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `columns` | all | the columns to describe |
//! | `quantiles` | 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 | which quantiles |
//! | `bins` | `20` | the bins of a histogram: of equal width, from the lowest to the highest finite value |
//! | `edges.NAME` | | the edges of a column's bins instead, such as those of another profile; of dates in days and of timestamps in microseconds since 1970 |
//! | `top` | `10` | how many common values are listed |
//! | `exact_distinct` | `10000` | so many different values of a column are counted exactly |
//!
//! # The report
//!
//! `{ "rows": …, "columns": [ … ] }`, an object for each column in the table's order. Of a vector column there is
//! one for each element.
//!
//! | key | of | meaning |
//! |---|---|---|
//! | `name`, `type` | all | the column, and its type as a pipeline file writes it |
//! | `element` | vectors | the element's name, or its place from 0 |
//! | `nulls`, `null_share`, `values` | all | nulls, nulls by rows, and all that is not null |
//! | `distinct` | all | `{ "count", "exact" }`: how many different values. Beyond `exact_distinct` an estimate, off by 1.6 % in the root mean square |
//! | `nans`, `infinities` | floats | how many; NaN has no part in what follows but `top` and `distinct` |
//! | `zeros`, `negatives` | numbers | how many |
//! | `min`, `max` | numbers, dates, timestamps | the extremes; missing if there are none |
//! | `mean`, `std`, `sum` | numbers | exact but for one rounding; `std` is the sample's, with the divisor n - 1 |
//! | `quantiles` | as `min` | `[{ "q", "value" }]`: exact, by linear interpolation, while `distinct` is; beyond, a number within 2⁻¹¹, relative, of the value of rank q (n - 1), rounded |
//! | `histogram` | as `min` | `{ "edges", "counts", "below", "above" }`: a bin has its lower edge, the last one also its upper edge, as in `numpy.histogram` |
//! | `lengths` | texts, binaries | `{ "min", "max", "mean" }` in characters or bytes |
//! | `top` | all | `[{ "value", "count", "share" }]`, the most common first, of equally common ones the lowest; `share` is by `values`. Beyond `exact_distinct`, only values with a share of a thousandth or more, still counted exactly |
//!
//! Numbers and booleans are JSON's own, but `"inf"`, `"-inf"` and `"NaN"`; dates and timestamps are
//! `"2013-01-31"` and `"2013-01-31T23:59:59Z"`; binaries are hexadecimal digits. What there is no value for is
//! `null`.
//!
//! Metrics are `rows`, `columns` and `nulls`.
//!
//! **Order-free and mergeable**, in two passes and in memory that does not grow with the rows: sums are exact,
//! quantiles count values by their leading bits, many different values are counted by the registers of a
//! HyperLogLog sketch, and a count-min sketch of the first pass says which of them the second one has to count.
//!
//! **Agreement with pandas**: counts, extremes, distinct values, top values and histograms (`numpy.histogram`)
//! are equal; mean, standard deviation, sum and exact quantiles within 1e-12 relative, since pandas rounds as it
//! adds; other quantiles within 2⁻¹¹ of one of the two values between which pandas interpolates.

mod distinct;
mod first;
mod histogram;
mod lanes;
mod params;
mod reduce;
mod report;

use trueline_sdk::prelude::*;

pub use params::Params;
pub use reduce::Describe;

/// The stage.
pub struct Profile;

impl Stage for Profile {
    type Params = Params;
    type Reduce = Describe;
    type Map = NoMap<Params>;

    fn describe(params: &Params, inputs: &[Input], _rows: Option<&Schema>) -> Result<Signature> {
        if inputs.len() > 1 {
            return Err(Error::schema(
                "a profile is of one table: name it with `in`",
            ));
        }
        let lanes = lanes::lanes(params, trueline_sdk::schema::rows(inputs)?)?;
        let mut columns: Vec<String> = lanes.into_iter().map(|lane| lane.column).collect();
        columns.dedup();
        Ok(Signature::reduces(Reduction {
            passes: 2,
            ..Reduction::one_pass(columns)
        }))
    }
}

export_check!(Profile);

#[cfg(test)]
mod tests;
