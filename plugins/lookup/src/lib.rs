//! `lookup` keeps a small, slow-changing table and adds its columns to rows by key: a left join that
//! is learned once and travels with the package.
//!
//! ```toml
//! [stage.plane]
//! use = "lookup"
//! fit = "planes"
//! params = { on = "tailnum", take = ["year", "seats"], prefix = "plane_" }
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `on` | | the key: a column name, a list of them, or a list of `{ rows = "dest", table = "faa" }` where the names differ |
//! | `take` | | the columns of the table to add, in this order |
//! | `as` | `{}` | what to call some of them: `{ year = "built" }` |
//! | `prefix` | `""` | what to put before the names of the others |
//! | `unmatched` | `"null"` | what a row without a match gets: `"null"`, or `"error"` to fail |
//! | `max_rows` | `1000000` | rows that the table may have, since all of it is kept in memory |
//!
//! **Keys** are of type boolean, int32, int64, utf8, date or timestamp; int32 and int64 match each
//! other, all others match their own type. Texts match byte for byte. Nulls match nothing: a row
//! with a null in its key is unmatched, and a row of the table with a null in its key is left out.
//! A key may stand in the table once; a second time is an error that names it.
//!
//! **Columns** keep their type, and are nullable if the table's are or rows may stay unmatched. A
//! new name that the rows already have is an error: nothing is replaced by accident.
//!
//! **State**: the key and the taken columns, sorted by key, so equal tables have equal states. The
//! reduction is mergeable. Its metrics are `rows`, the keys it keeps, and `null_keys`, the rows it
//! left out. The report has `keys` and `columns` by name, `rows`, and in `first_rows` the first of
//! them in the order of their keys.

mod apply;
mod index;
mod key;
mod learn;
mod params;
mod report;
mod signature;
mod store;

use trueline_sdk::prelude::*;

pub use apply::Apply;
pub use learn::Learn;
pub use params::Params;

/// The stage.
pub struct Lookup;

impl Stage for Lookup {
    type Params = Params;
    type Reduce = Learn;
    type Map = Apply;

    fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        signature::describe(params, inputs, rows)
    }
}

export_transform!(Lookup);

#[cfg(test)]
mod tests;
