//! Preprocessing of tables: a list of steps that learn from training rows, and then turn every row into features, the
//! same way in training, in serving and row by row.
//!
//! ```toml
//! [stage.features]
//! use = "tabular"
//! fit = "flights.train"
//! params.steps = [
//!   { op = "impute", columns = ["temp", "humid"], with = "median" },
//!   { op = "standard-scale", columns = ["distance"] },
//!   { op = "one-hot", columns = ["carrier", "origin"], unknown = "ignore" },
//!   { op = "assemble", into = "features" },
//! ]
//! ```
//!
//! The same in Rust, on a small table:
//!
//! ```
//! use tabular::Tabular;
//! use trueline_sdk::testing::{Table, fit_map};
//!
//! let params = r#"{"steps": [
//!     {"op": "impute", "columns": "temp", "with": "median"},
//!     {"op": "one-hot", "columns": "carrier", "unknown": "ignore"},
//!     {"op": "assemble", "into": "features"}
//! ]}"#;
//! let training = Table::new()
//!     .with_column("temp", [Some(39.0), None, Some(41.0)])
//!     .with_column("carrier", ["UA", "AA", "UA"]);
//! let row = Table::new().with_column("temp", [None::<f64>]).with_column("carrier", ["AA"]);
//! let features = fit_map::<Tabular>(params, &[("rows", &training)], &row)?;
//! assert_eq!(features, Table::new().with_field(features.schema().fields[0].clone(), [[40.0_f32, 1.0, 0.0]]));
//! assert_eq!(features.schema().fields[0].elements, ["temp", "carrier=AA", "carrier=UA"]);
//! # Ok::<(), trueline_sdk::Error>(())
//! ```
//!
//! # What holds for all steps
//!
//! **Columns.** `columns` is a name, a list of names, or `"*"` for every column with the role of a feature whose type
//! the op takes. A label, key or other column is worked on only if it is named. Each step sees the table as the step
//! before left it. A column that a step changes keeps its place, its name and its role; a new one is appended and is a
//! feature. Numbers are boolean (0 and 1), int32, int64, float32 and float64 columns; what comes of them is float64
//! unless said otherwise. An int64 beyond 2^53 is rounded to the nearest float64, except where it is a category.
//!
//! **Missing values.** Null and NaN both mean that a number is missing, also where something is learned: it is left out.
//! A step gives missing for missing, and makes missing what it cannot compute. In a column that is written, missing is
//! null; in a vector it is NaN. The empty text is a text like any other.
//!
//! **Zeros.** -0.0 is learned from as 0.0, and is the same category. A number that passes through keeps its sign.
//!
//! **Learning.** Every step learns from the values as the steps before it leave them, so it may take several passes over
//! the rows: a step learns in the first pass in which all that it depends on is known, and what does not depend on each
//! other is learned in the same pass. Everything is exact and mergeable: rows may come in any order, batches and
//! partitions, and the state has the same bytes. A column without any value, or with infinities where these can not be
//! computed with, is an error that names it. Distinct values are counted up to 1,000,000.
//!
//! # The ops
//!
//! | op | takes | gives |
//! |---|---|---|
//! | [`impute`](#impute) | numbers, utf8 | float64, utf8; never null |
//! | [`standard-scale`](#standard-scale) | numbers | float64 |
//! | [`min-max-scale`](#min-max-scale) | numbers | float64 |
//! | [`clip`](#clip) | numbers | float64 |
//! | [`log1p`](#log1p) | numbers | float64 |
//! | [`one-hot`](#one-hot) | utf8, numbers | float32-list |
//! | [`ordinal`](#ordinal) | utf8, numbers | int32 |
//! | [`date-parts`](#date-parts) | timestamp, date | int32, in new columns |
//! | [`assemble`](#assemble) | numbers, vectors | one float32-list or float64-list |
//!
//! ## `impute`
//!
//! Puts a value where one is missing. `with` says which:
//! - `"mean"`: the exact mean, rounded once;
//! - `"median"`: the exact median; of an even number of values the mean of the two in the middle. Takes 4 passes;
//! - `"most-frequent"`: the value that occurs most often, of several the smallest (texts by their bytes);
//! - `"constant"`: `value`, a number, boolean or text.
//!
//! `indicator = true` adds a boolean column `<name>_missing` that says where the value was missing. As scikit-learn's
//! `SimpleImputer`, but that indicators are added whether or not the training rows miss a value.
//!
//! ## `standard-scale`
//!
//! `(x - mean) / deviation`, with the exact mean and the square root of the exact population variance (divisor n). A
//! constant column is divided by 1. `with_mean = false` subtracts nothing, `with_std = false` divides by nothing. As
//! scikit-learn's `StandardScaler`.
//!
//! ## `min-max-scale`
//!
//! `x * scale + offset`, with `scale = (high - low) / (max - min)` and `offset = low - min * scale`, where
//! `feature_range = [low, high]`, by default `[0, 1]`. A column whose range is below 10 × 2^-52 counts as constant, and
//! is divided by 1 in place of its range. `clip = true` keeps values that lie outside of the training range within
//! `feature_range`. As scikit-learn's `MinMaxScaler`, to the bit.
//!
//! ## `clip`
//!
//! No less than `min`, no more than `max`; either may be left out.
//!
//! ## `log1p`
//!
//! The natural logarithm of 1 + x, by [`trueline_sdk::math::log1p`]. Minus infinity at -1; missing below.
//!
//! ## `one-hot`
//!
//! A vector with a 1 at the place of the row's category and 0 elsewhere, in the place of the column. Its elements are
//! named `carrier=AA`.
//! - `categories`: in the order of the elements. Without it they are learned: all values that occur, in ascending order
//!   (texts by their bytes), at most 1,024 of them.
//! - `min_count`, `max_categories`: learn only values that occur at least so often, and of these only so many, the most
//!   frequent; of equally frequent ones the smallest. All others are unknown then.
//! - `unknown`: what becomes of a value that is no category. `"error"` (the default) refuses the row, `"ignore"` gives
//!   zeros, `"other"` has an element of its own, `carrier=(other)`, behind the categories.
//! - `nulls`: what becomes of a missing value. `"zeros"` (the default) gives zeros, `"category"` has an element of its
//!   own, `carrier=(null)`, at the end, `"error"` refuses the row.
//! - `drop = "first"`: no element for the first category; its rows are zeros.
//!
//! As scikit-learn's `OneHotEncoder`, but for nulls, which never are a learned category, and for `max_categories`, which
//! does not count the element for others.
//!
//! ## `ordinal`
//!
//! The number of the row's category, from 0; null where the value is missing.
//! - `categories`: in the order of their codes. Without it they are learned: all values that occur, in ascending order.
//! - `unknown`: what becomes of a value that is no category. `"error"` (the default) refuses the row, `"null"` gives
//!   null, a negative number gives that.
//!
//! As scikit-learn's `OrdinalEncoder`.
//!
//! ## `date-parts`
//!
//! Parts of a moment, each in a new column such as `time_hour_weekday`. `parts` names them: `"year"`; `"quarter"`, 1 to 4;
//! `"month"`, 1 to 12; `"day"`, 1 to 31; `"weekday"`, 0 for Monday to 6 for Sunday; `"day-of-year"`, 1 to 366; and, of
//! timestamps only, `"hour"`, 0 to 23; `"minute"` and `"second"`, 0 to 59. In the proleptic Gregorian calendar, of a clock
//! in UTC or `offset` ahead of it (`"-05:00"`; a date has none). `keep = false` removes the column itself.
//!
//! ## `assemble`
//!
//! One vector of all columns, in the order named, called `into`; by default of the columns that the steps before made.
//! Each number is an element of the column's name, missing ones NaN; a vector's elements keep their names, or get the
//! column's name and their place, `vector[0]`; a null vector is all NaN. `type` is `"float32"` (the default; numbers are
//! rounded to the nearest) or `"float64"`. The features that it takes are removed unless `keep = true`; a label or key
//! always stays.
//!
//! # How it works
//!
//! [`Tabular`] describes the stage, [`Fit`] learns, [`Apply`] maps. All three walk through the steps with a plan of the
//! table (`walk`, `table`), in which every column knows how its values are computed (`value`): a source and the kernels
//! that its numbers go through. A step only edits that plan, and says what has to be learned (`learn`) from which column.
//! When a batch comes, each column that is written is computed in blocks of rows that stay in the fastest cache (`eval`).
#![deny(missing_docs)]

mod apply;
mod civil;
mod dictionary;
mod encoder;
mod eval;
mod fit;
mod kernel;
mod learn;
mod ops;
mod order;
mod params;
mod stage;
mod state;
mod table;
#[cfg(test)]
mod testing;
mod value;
mod walk;

pub use apply::Apply;
pub use fit::Fit;
pub use params::Params;
pub use stage::Tabular;

trueline_sdk::export_transform!(Tabular);
